package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"tokenrefresh/pkg/handler"
	"tokenrefresh/pkg/outcome"
)

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
