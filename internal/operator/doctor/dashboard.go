package doctor

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
)

// noDashboard is how AWS says so, in one protocol and another.
var noDashboard = []string{"ResourceNotFound", "DashboardNotFoundError"}

// dashboard looks whether there is one to look at.
func (s *stack) dashboard(ctx context.Context) []Finding {
	name := s.Name + "-" + s.Config.Region
	arn := strings.Replace(s.arn("cloudwatch", "dashboard/"+name), ":"+s.Config.Region+":", "::", 1) // they are of all regions
	_, err := s.watch.GetDashboard(ctx, &cloudwatch.GetDashboardInput{DashboardName: &name})
	if slices.Contains(noDashboard, code(err)) {
		return []Finding{warn("there is no dashboard %s", name).mend("nothing hangs on it; deploying the stack anew brings it back")}
	}
	if err != nil {
		return []Finding{s.trouble(err, "cloudwatch:GetDashboard", arn)}
	}
	return []Finding{ok("%s", name)}
}
