package doctor

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
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
		{"TRANSACTIONS_TABLE", settings.TransactionsTable, p.TransactionsTable, "--table-prefix", "TablePrefix"},
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
					p.invokeLine(`{"account":"`+account+`"}`)))
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

// invokeLine invokes the function by hand.
func (p *provider) invokeLine(event string) string {
	return p.cli("lambda invoke --function-name %s --cli-binary-format raw-in-base64-out --payload '%s' /dev/stdout",
		p.function, event)
}
