package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"

	"tokenrefresh/pkg/config"
	"tokenrefresh/pkg/event"
)

// scheduled checks that something calls the function. The check of the credentials sees whether
// runs really come.
func (p *provider) scheduled(ctx context.Context) []Finding {
	schedule, err := p.getSchedule(ctx)
	if err != nil {
		return p.trouble(err, "scheduler:GetSchedule", p.arn("scheduler", "schedule/default/"+p.function),
			fail("there is no schedule %s in %s: nothing calls the function", p.function, p.Config.Region).
				mend("name the right stack with --stack; if it was deleted, "+anew))
	}
	if p.off(ctx) {
		return []Finding{skipped("switched off at the deployment, like all of %s", p.entry.Name)}
	}
	var found []Finding
	if schedule.State == types.ScheduleStateDisabled {
		found = append(found, fail("%s is switched off: nothing calls the function", p.function).
			mend("switch it on", p.enable(schedule)))
	}
	if target := schedule.Target; target != nil {
		f, err := p.getFunction(ctx)
		if err == nil && aws.ToString(target.Arn) != aws.ToString(f.FunctionArn) {
			found = append(found, fail("%s calls %s, not %s", p.function, aws.ToString(target.Arn), aws.ToString(f.FunctionArn)).
				mend("give it the function as its target, on AWS's console"))
		}
		found = append(found, p.input(aws.ToString(target.Input))...)
	}
	rate, told := aws.ToString(schedule.ScheduleExpression), p.getenv(ctx)("SCHEDULE_RATE")
	if told != "" && rate != told {
		found = append(found, warn("%s is %s, the function counts its attempts at %s", p.function, rate, told).
			mend("deploy with ScheduleRate="+rate+"; or set the schedule back on AWS's console"))
	}
	return orOK(found, "%s is on, %s", p.function, rate)
}

// every is the time from one tick to the next, by the schedule; 0: not known.
func (p *provider) every(ctx context.Context) time.Duration {
	schedule, err := p.getSchedule(ctx)
	if err != nil {
		return 0
	}
	every, _ := config.ParseRate(aws.ToString(schedule.ScheduleExpression))
	return every
}

// input checks the event that the function gets.
func (p *provider) input(text string) []Finding {
	e, err := event.Decode([]byte(text))
	if err == nil && !e.DryRun && !e.Force && e.Account == "" {
		return nil
	}
	return []Finding{fail("%s sends %s, which is not a plain tick", p.function, text).mend("let it send {}, on AWS's console")}
}

// enable is the command that switches a schedule on. An update replaces a schedule as a whole, so
// the command has all of it.
func (p *provider) enable(o *scheduler.GetScheduleOutput) string {
	target := map[string]any{}
	if t := o.Target; t != nil {
		target["Arn"], target["RoleArn"], target["Input"] = t.Arn, t.RoleArn, t.Input
		if t.RetryPolicy != nil {
			target["RetryPolicy"] = t.RetryPolicy
		}
		if t.DeadLetterConfig != nil {
			target["DeadLetterConfig"] = t.DeadLetterConfig
		}
	}
	text, err := json.Marshal(target)
	if err != nil {
		panic(fmt.Sprintf("encode a target: %v", err)) // of strings and numbers there is no error
	}
	return p.cli("scheduler update-schedule --name %s --state ENABLED --schedule-expression '%s' "+
		"--flexible-time-window Mode=OFF --target '%s'", p.function, aws.ToString(o.ScheduleExpression), text)
}
