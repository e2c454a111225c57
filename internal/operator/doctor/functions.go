package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"

	"tokenrefresh/pkg/config"
	"tokenrefresh/pkg/event"
	"tokenrefresh/pkg/handler"
	"tokenrefresh/pkg/outcome"
)

// toStore is the time that a run needs to read and to store, besides two calls to a provider.
const toStore = 14 * time.Second

// functionSet checks the deployment of the function.
func (p *provider) functionSet(ctx context.Context) []Finding {
	f, err := p.getFunction(ctx)
	if err != nil {
		return p.trouble(err, "lambda:GetFunctionConfiguration", p.functionARN(),
			fail("there is no function %s in %s", p.function, p.Config.Region).mend("if it was deleted, "+anew))
	}
	day, _, _ := strings.Cut(aws.ToString(f.LastModified), "T")
	return orOK(slices.Concat(p.state(f), p.environment(ctx, f), p.concurrency(ctx)), "%s, for %s, changed last on %s",
		p.function, strings.Join(p.known(ctx), ", "), day)
}

// state looks at the deployed code.
func (p *provider) state(f *lambda.GetFunctionConfigurationOutput) []Finding {
	const again = "deploy again, and read why where it fails: sam deploy"
	switch {
	case f.State == types.StateFailed, f.State == types.StateInactive:
		return []Finding{fail("%s is %s: %s", p.function, f.State, aws.ToString(f.StateReason)).mend(again)}
	case f.LastUpdateStatus == types.LastUpdateStatusFailed:
		return []Finding{fail("the last update of %s failed, and the one before runs: %s", p.function,
			aws.ToString(f.LastUpdateStatusReason)).mend(again)}
	case f.State == types.StatePending, f.LastUpdateStatus == types.LastUpdateStatusInProgress:
		return []Finding{warn("%s is being updated", p.function).mend("wait a minute, and look again")}
	}
	return nil
}

// environment compares the function's variables with the code and with the operator's options.
func (p *provider) environment(ctx context.Context, f *lambda.GetFunctionConfigurationOutput) (found []Finding) {
	settings, err := p.read(ctx)
	if err != nil {
		found = append(found, fail("%s cannot start: %s", p.function, strings.ReplaceAll(err.Error(), "\n", "; ")).
			mend("put the variables right with the template: sam deploy"))
	}
	for _, one := range []struct{ variable, says, want, flag, parameter string }{
		{"SECRET_PREFIX", settings.SecretPrefix, p.SecretPrefix, "--secret-prefix", "SecretPrefix"},
		{"LEDGER_TABLE", settings.LedgerTable, p.LedgerTable, "--table-prefix", "TablePrefix"},
		{"TRANSACTIONS_TABLE", settings.TransactionsTable, p.TransactionsTable(p.entry.Name), "--table-prefix", "TablePrefix"},
	} {
		if one.says != "" && one.says != one.want {
			value := strings.TrimSuffix(strings.TrimSuffix(one.says, "-ledger"), "-transactions")
			found = append(found, fail("%s has %s=%s, you look at %s", p.function, one.variable, one.says, one.want).
				mend("give tokenctl "+one.flag+" "+value+"; if the function is wrong, deploy it with "+one.parameter))
		}
	}
	known := p.known(ctx)
	for _, account := range p.Accounts {
		if !slices.Contains(known, account) {
			found = append(found, fail("nobody keeps the account %s fresh: neither ACCOUNTS of %s nor the ledger names it",
				account, p.function).
				mend("let the function make its row, once its secrets exist; or name it in the parameter Accounts",
					p.cli("lambda invoke --function-name %s --cli-binary-format raw-in-base64-out --payload '{\"account\":\"%s\"}' /dev/stdout",
						p.function, account)))
		}
	}
	if p.getenv(ctx)("AWS_ENDPOINT_URL") != "" {
		found = append(found, fail("%s calls an emulated AWS: AWS_ENDPOINT_URL is set", p.function).
			mend("deploy it with an empty AwsEndpointUrl"))
	}
	timeout := time.Duration(aws.ToInt32(f.Timeout)) * time.Second
	if need := 2*settings.HTTPTimeout + toStore; timeout < need {
		found = append(found, fail("%s may run for %s; two calls and the time to store need %s", p.function, timeout, need).
			mend("give it the template's 60 seconds",
				p.cli("lambda update-function-configuration --function-name %s --timeout 60", p.function)))
	}
	return found
}

// concurrency checks that nobody has switched the function off.
func (p *provider) concurrency(ctx context.Context) []Finding {
	got, err := p.lambda.GetFunctionConcurrency(ctx, &lambda.GetFunctionConcurrencyInput{FunctionName: &p.function})
	if err != nil {
		return p.trouble(err, "lambda:GetFunctionConcurrency", p.functionARN())
	}
	if n := got.ReservedConcurrentExecutions; n != nil && *n == 0 {
		return []Finding{fail("%s is throttled: no run of it may start (its reserved concurrency is 0)", p.function).
			mend("let it run", p.cli("lambda delete-function-concurrency --function-name %s", p.function))}
	}
	return nil
}

func (p *provider) functionARN() string { return p.arn("lambda", "function:"+p.function) }

// dryRunLimit is longer than a function may run.
const dryRunLimit = time.Minute

// dryRun has the function read and decide, which proves its own permissions and
// credentials. It calls no provider and writes nothing but log lines.
func (p *provider) dryRun(ctx context.Context) []Finding {
	if !p.Invoke {
		return nil
	}
	if _, err := p.getFunction(ctx); err != nil {
		return []Finding{skipped("needs %s function, see there", p.entry.Name)}
	}
	out, err := p.lambda.Invoke(ctx, &lambda.InvokeInput{FunctionName: &p.function, Payload: []byte(`{"dry_run":true}`)})
	if _, throttled := errors.AsType[*types.TooManyRequestsException](err); throttled {
		return []Finding{fail("Lambda refuses to start %s: no concurrency is left", p.function).
			mend("look at its reserved concurrency, and at how much the other functions of this account use",
				p.cli("lambda get-account-settings"))}
	}
	if err != nil {
		f := p.unknown(err, "lambda:InvokeFunction", p.functionARN())
		if f.Verdict == Skipped && f.Mend != "" {
			f.Mend += "; or leave it out: --no-invoke"
		}
		return []Finding{f}
	}
	if out.FunctionError != nil {
		return []Finding{p.faulty(out.Payload)}
	}
	var result handler.Result
	if json.Unmarshal(out.Payload, &result) != nil || result.Provider != p.entry.Name {
		return []Finding{fail("%s does not answer as the function of %s", p.function, p.entry.Name).
			mend("name the right stack with --stack, or deploy it again")}
	}
	return []Finding{ok("%s reads its state and would do: %s", p.function, tally(result.Outcomes))}
}

// faulty is the finding of a run that failed.
func (p *provider) faulty(payload []byte) Finding {
	var fault struct {
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}
	_ = json.Unmarshal(payload, &fault) // what is no JSON says nothing
	said := strings.ReplaceAll(fault.Message, "\n", "; ")
	switch fault.Type {
	case "NeedsPersonError":
		return fail("%s cannot go on: %s", p.function, said).mend("do what it says; see " + p.entry.Name + " credentials")
	case "Sandbox.Timedout":
		return fail("%s ran out of time: %s", p.function, said).
			mend("in a VPC, see that its subnets reach AWS and the Internet through a NAT gateway", p.logs())
	}
	return fail("%s fails: %s: %s", p.function, fault.Type, said).mend("see its log", p.logs())
}

func (p *provider) logs() string { return p.cli("logs tail /aws/lambda/%s --since 10m", p.function) }

// tally lists outcomes with their numbers.
func tally(outcomes map[outcome.Outcome]int) string {
	var parts []string
	for what, n := range outcomes {
		parts = append(parts, fmt.Sprintf("%d %s", n, what))
	}
	slices.Sort(parts)
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}

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
	if schedule.State == schedulertypes.ScheduleStateDisabled {
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
