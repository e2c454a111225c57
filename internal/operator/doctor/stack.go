package doctor

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwschemas "github.com/aws/aws-sdk-go-v2/service/cloudwatch/schemas"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/transport/http/protocol/awsquery"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/home"
)

// Stack is a deployed stack, as an operator names it.
type Stack struct {
	Config aws.Config // with the operator's permissions
	Home   *home.Home
	Name   string // of the stack

	SecretPrefix, LedgerTable string
	TransactionsTable         func(provider string) string

	Providers []catalog.Entry // in use; none: all
	Accounts  []string        // wanted with each provider, beside those that are found
	Invoke    bool            // whether functions may be invoked, for a dry run
	Profile   string          // for commands of AWS's own CLI
	Flags     string          // with which tokenctl finds this home, for its commands
	Now       func() time.Time
}

// stack is a Stack under examination.
type stack struct {
	Stack
	sts       *sts.Client
	lambda    *lambda.Client
	scheduler *scheduler.Client
	watch     *cloudwatch.Client
	sns       *sns.Client
	sqs       *sqs.Client
	kms       *kms.Client
	secrets   *secretsmanager.Client
	tables    *dynamodb.Client

	providers []*provider

	who   *sts.GetCallerIdentityOutput // once the first check has asked
	rings once[map[string]cwtypes.MetricAlarm]
}

const (
	// awsCheck comes before every other check of a stack.
	awsCheck = "aws"
	// stackCheck comes before those of the stack's own resources. Tables and secrets may be an earlier
	// stack's.
	stackCheck = "stack"
)

// Checks lists the checks of a stack.
func (d Stack) Checks() []Check {
	s := &stack{
		Stack: d,
		sts:   sts.NewFromConfig(d.Config), lambda: lambda.NewFromConfig(d.Config), scheduler: scheduler.NewFromConfig(d.Config),
		// The client's own choice is the newest protocol, which no emulator supports.
		watch: cloudwatch.NewFromConfig(d.Config, func(o *cloudwatch.Options) {
			o.Protocol = awsquery.New(cwschemas.GraniteServiceVersion20100801)
		}),
		sns: sns.NewFromConfig(d.Config), sqs: sqs.NewFromConfig(d.Config), kms: kms.NewFromConfig(d.Config),
		secrets: secretsmanager.NewFromConfig(d.Config), tables: dynamodb.NewFromConfig(d.Config),
	}
	for _, entry := range catalog.OrAll(d.Providers) {
		s.providers = append(s.providers, &provider{stack: s, entry: entry, function: d.Name + "-refresh-" + entry.Name})
	}
	checks := []Check{
		{Name: awsCheck, Look: s.identity},
		{Name: "clock", After: awsCheck, Look: s.clock},
		{Name: stackCheck, After: awsCheck, Look: s.deployed},
		{Name: "ledger", After: awsCheck, Look: s.ledgerTable},
	}
	for _, p := range s.providers {
		if p.entry.Sweep {
			checks = append(checks, Check{Name: p.entry.TransactionsTable(), After: awsCheck, Look: func(ctx context.Context) []Finding {
				return s.transactionsTable(ctx, s.TransactionsTable(p.entry.Name))
			}})
		}
	}
	for _, p := range s.providers {
		checks = append(checks, p.checks()...)
	}
	return append(checks,
		Check{Name: "alarms", After: stackCheck, Look: s.alarms},
		Check{Name: "alarm topic", After: stackCheck, Look: s.topics},
		Check{Name: "dead letters", After: stackCheck, Look: s.queues},
		Check{Name: "dashboard", After: stackCheck, Look: s.dashboard},
	)
}

// identity checks that AWS answers, and shows the caller's identity.
func (s *stack) identity(ctx context.Context) []Finding {
	who, err := s.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err == nil {
		s.who = who
		return []Finding{ok("account %s, region %s, as %s", aws.ToString(who.Account), s.Config.Region, aws.ToString(who.Arn))}
	}
	if t := home.TroubleOf(err, s.Config.Region, s.Profile); t != nil {
		return []Finding{fail("%s", t.Cause).mend(t.Mend, t.Commands...)}
	}
	return s.trouble(err, "sts:GetCallerIdentity", "*")
}

// clock compares this machine's clock with AWS's.
func (s *stack) clock(context.Context) []Finding {
	theirs, told := middleware.GetServerTime(s.who.ResultMetadata)
	ours, _ := middleware.GetResponseAt(s.who.ResultMetadata)
	if !told || theirs.IsZero() {
		return []Finding{skipped("AWS has not told the time")}
	}
	return []Finding{judgeClock(theirs.Sub(ours), "AWS")}
}

const (
	// tolerable is a skew without consequences.
	tolerable = 2 * time.Second
	// granularity is that of a Date header, which is cut off to the second.
	granularity = time.Second
)

// judgeClock judges how far another clock is ahead of this machine's, by a Date header.
func judgeClock(ahead time.Duration, whose string) Finding {
	off := (ahead + granularity/2).Abs()
	if off < tolerable+granularity/2 {
		return ok("this machine's is within %s of that of %s", tolerable, whose)
	}
	direction := "behind"
	if ahead < 0 {
		direction = "ahead of"
	}
	f := fail("this machine's clock is %s %s that of %s; AWS refuses requests that are signed %.0f minutes too late or early",
		ahead.Abs().Round(time.Second), direction, whose, home.SignatureLife.Minutes()).
		mend("switch time synchronisation on", "sudo timedatectl set-ntp true", "timedatectl status")
	if off < home.SignatureLife {
		f.Verdict = Warn
	}
	return f
}

// deployed checks that the stack exists. Other checks report its missing parts.
func (s *stack) deployed(ctx context.Context) []Finding {
	there := 0
	for _, p := range s.providers {
		if _, err := p.getFunction(ctx); !isAbsent(err) {
			there++
		}
	}
	if there == 0 {
		return []Finding{fail("there is no stack %s in %s, account %s: none of its functions is there",
			s.Name, s.Config.Region, aws.ToString(s.who.Account)).
			mend("name the right one with --stack (and --region, --profile), or deploy it: sam deploy")}
	}
	return []Finding{ok("%s, with %d functions", s.Name, there)}
}

// anew brings back resources that were deleted without CloudFormation, which does not notice it.
const anew = "empty the other queues, whose records are nowhere else, then delete the stack and deploy it again with " +
	"CreateState=false: secrets and tables outlive it (docs/deploy.md#delete-a-stack-and-keep-its-state)"

// cli is a line for AWS's own command.
func (s *stack) cli(format string, args ...any) string {
	line := "aws --region " + s.Config.Region
	if s.Profile != "" {
		line += " --profile " + s.Profile
	}
	return line + " " + fmt.Sprintf(format, args...)
}
