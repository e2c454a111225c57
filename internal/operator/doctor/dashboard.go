package doctor

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// dashboard looks whether there is one to look at.
func (s *stack) dashboard(ctx context.Context) []Finding {
	name := s.Name + "-" + s.Config.Region
	_, err := s.watch.GetDashboard(ctx, &cloudwatch.GetDashboardInput{DashboardName: &name})
	_, missing := errors.AsType[*types.DashboardNotFoundError](err)
	if _, other := errors.AsType[*types.ResourceNotFoundException](err); missing || other {
		return []Finding{warn("there is no dashboard %s", name).mend("nothing hangs on it; to have it back, " + anew)}
	}
	if err != nil {
		return []Finding{s.trouble(err, "cloudwatch:GetDashboard", "arn:aws:cloudwatch::"+*s.who.value.Account+":dashboard/"+name)}
	}
	return []Finding{ok("%s", name)}
}
