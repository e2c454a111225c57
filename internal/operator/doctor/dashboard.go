package doctor

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
)

// noDashboard is how AWS says so, in one protocol and another.
var noDashboard = []string{"ResourceNotFound", "DashboardNotFoundError"}

// dashboard looks whether there is one to look at.
func (s *stack) dashboard(ctx context.Context) []Finding {
	name := s.Name + "-" + s.Config.Region
	_, err := s.watch.GetDashboard(ctx, &cloudwatch.GetDashboardInput{DashboardName: &name})
	if slices.Contains(noDashboard, code(err)) {
		return []Finding{warn("there is no dashboard %s", name).mend("nothing hangs on it; deploying the stack anew brings it back")}
	}
	if err != nil {
		return []Finding{s.trouble(err, "cloudwatch:GetDashboard", "arn:aws:cloudwatch::"+*s.who.value.Account+":dashboard/"+name)}
	}
	return []Finding{ok("%s", name)}
}
