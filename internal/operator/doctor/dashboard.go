package doctor

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
)

// noDashboard are AWS's codes for a missing dashboard, in two protocols.
var noDashboard = []string{"ResourceNotFound", "DashboardNotFoundError"}

// dashboard checks that the dashboard exists.
func (s *stack) dashboard(ctx context.Context) []Finding {
	name := s.Name + "-" + s.Config.Region
	arn := strings.Replace(s.arn("cloudwatch", "dashboard/"+name), ":"+s.Config.Region+":", "::", 1) // they are of all regions
	_, err := s.watch.GetDashboard(ctx, &cloudwatch.GetDashboardInput{DashboardName: &name})
	if slices.Contains(noDashboard, code(err)) {
		return []Finding{warn("there is no dashboard %s", name).mend("nothing depends on it; deploying the stack again brings it back")}
	}
	if err != nil {
		return []Finding{s.trouble(err, "cloudwatch:GetDashboard", arn)}
	}
	return []Finding{ok("%s", name)}
}
