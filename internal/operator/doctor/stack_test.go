package doctor_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"tokenrefresh/internal/operator/doctor"
	"tokenrefresh/pkg/refresh"
)

// found is what a broken stack must be told of.
type found struct {
	check   string
	verdict doctor.Verdict
	says    []string // cause, mend, and the command
}

// breakage breaks one thing of a stack in which all is well, and mends it.
type breakage struct {
	name  string
	spoil func(w *world)
	heal  func(w *world) // nil: spoil has touched the front and what the doctor is told alone
	found
}

func fails(check string, says ...string) found { return found{check, doctor.Fail, says} }
func warns(check string, says ...string) found { return found{check, doctor.Warn, says} }

const (
	hesabe   = "stack-refresh-hesabe"
	tokens   = prefix + "/hesabe/default/tokens"
	tconnect = prefix + "/tconnect/default/credentials"
)

//nolint:paralleltest // one stack for all, broken in turn
func TestStack(t *testing.T) {
	w := newWorld(t, map[string]string{"BerbixQueueConcurrency": "10"})
	report := doctor.Run(t.Context(), w.stack.Checks())
	if !report.Well || len(report.Findings) != 27 {
		t.Fatalf("a stack in which all is well:\n%s", report.Text(120, false))
	}
	for _, f := range report.Findings {
		if f.Verdict != doctor.OK || f.Cause == "" || f.Mend != "" {
			t.Errorf("all is well, and yet: %+v", f)
		}
	}
	for _, b := range breakages {
		t.Run(b.name, func(t *testing.T) {
			broken := *w
			broken.t = t
			b.spoil(&broken)
			want(t, look(t, broken.stack.Checks(), b.check), b.check, b.verdict, b.says...)
			w.front.reset()
			w.front.invoke = w.dryRun
			if b.heal != nil {
				b.heal(&broken)
			}
		})
	}
	t.Run("what the operator may not see is not missing", func(t *testing.T) { denied(t, w) })
	if report := doctor.Run(t.Context(), w.stack.Checks()); !report.Well {
		t.Errorf("a test has left something broken:\n%s", report.Text(120, false))
	}
}

// answers makes the front change what an operation answers. moto's resources never come
// into such a state.
func answers(operation string, change func(body string) string) func(*world) {
	return func(w *world) { w.front.rewrite[operation] = change }
}

func replaced(old, by string) func(string) string {
	return func(body string) string { return strings.ReplaceAll(body, old, by) }
}

var breakages = []breakage{
	{
		name: "keys that AWS does not take", found: fails("aws", "InvalidClientTokenId", "--profile", "aws sso login"),
		spoil: func(w *world) { w.front.refuse["GetCallerIdentity"] = "InvalidClientTokenId" },
	},
	{
		name: "no keys", found: fails("aws", "no AWS credentials", "AWS_PROFILE"),
		spoil: func(w *world) {
			w.stack.Config.Credentials = aws.CredentialsProviderFunc(nobody)
		},
	},
	{
		name: "no way to AWS", found: fails("aws", "cannot be reached in region eu-west-1", "AWS_ENDPOINT_URL"),
		spoil: func(w *world) { w.stack.Config.BaseEndpoint = aws.String("http://" + closedPort(w.t)) },
	},
	{
		name: "a clock some seconds slow", found: warns("clock", "behind that of AWS", "set-ntp"),
		spoil: func(w *world) { w.front.ahead = 5 * time.Second },
	},
	{
		name: "a clock far too fast", found: fails("clock", "6m", "ahead of that of AWS", "set-ntp"),
		spoil: func(w *world) { w.front.ahead = -6 * time.Minute },
	},
	{
		name: "a ledger of another name", found: fails("ledger", "no table other-ledger in eu-west-1", "--table-prefix", "CreateState"),
		spoil: func(w *world) { w.stack.LedgerTable = "other-ledger" },
	},
	{
		name: "another table for the ledger", found: fails("ledger", "is none of token-refresh's", "[transaction_id]"),
		spoil: func(w *world) { w.stack.LedgerTable = moved },
	},
	{
		name: "a table whose key is closed", found: fails("ledger", "cannot be read", "kms enable-key --key-id arn:key"),
		spoil: answers("DescribeTable", replaced(`"TableStatus": "ACTIVE"`, `"SSEDescription": {"KMSMasterKeyArn": "arn:key"}, "TableStatus": "INACCESSIBLE_ENCRYPTION_CREDENTIALS"`)),
	},
	{
		name: "a ledger without recovery", found: warns("ledger", "is off", "update-continuous-backups", "PointInTimeRecoveryEnabled=true"),
		spoil: func(w *world) { w.backups(ledger, false) },
		heal:  func(w *world) { w.backups(ledger, true) },
	},
	{
		name: "an index that is being made", found: fails("transactions", "due", "CREATING", "wait"),
		spoil: answers("DescribeTable", replaced(`"IndexStatus": "ACTIVE"`, `"IndexStatus": "CREATING"`)),
	},
	{
		name: "no index", found: fails("transactions", "has no index due", "update-table", `"NonKeyAttributes":["access_expires_at","failures","ttl"]`),
		spoil: answers("DescribeTable", replaced(`"IndexName": "due"`, `"IndexName": "overdue"`)),
	},
	{
		name: "TTL off", found: warns("transactions", "TTL", "off", "Enabled=true,AttributeName=ttl"),
		spoil: answers("DescribeTimeToLive", func(string) string { return `{"TimeToLiveDescription":{"TimeToLiveStatus":"DISABLED"}}` }),
	},
	{
		name: "TTL of another attribute", found: fails("transactions", "refresh_at", "live transactions", "Enabled=false"),
		spoil: answers("DescribeTimeToLive", replaced(`"ttl"`, `"refresh_at"`)),
	},
	{
		name: "another stack's name", found: fails("stack", "no stack other in eu-west-1", "--stack", "sam deploy"),
		spoil: func(w *world) { w.stack.Name = "other" },
	},
	{
		name: "a function that is gone", found: fails("hesabe function", "no function "+hesabe+" in eu-west-1", "CreateState=false"),
		spoil: func(w *world) { w.front.refuse["GetFunctionConfiguration "+hesabe] = "ResourceNotFoundException" },
	},
	{
		name: "another prefix", found: fails("hesabe function", "SECRET_PREFIX=token-refresh", "you look at team", "--secret-prefix token-refresh"),
		spoil: func(w *world) { w.stack.SecretPrefix = "team" },
	},
	{
		name: "another ledger", found: fails("hesabe function", "LEDGER_TABLE=token-refresh-ledger", "--table-prefix token-refresh"),
		spoil: func(w *world) { w.stack.LedgerTable = "other-ledger" },
	},
	{
		name: "an account that nobody looks after", found: fails("hesabe function", "nobody looks after the account shop-2", `{"account":"shop-2"}`),
		spoil: func(w *world) { w.stack.Accounts = []string{"default", "shop-2"} },
	},
	{
		name: "a wrong variable", found: fails("hesabe function", "cannot start", "PROVIDER_ENVIRONMENT", "sam deploy"),
		spoil: func(w *world) { w.variable("PROVIDER_ENVIRONMENT", "moon") },
		heal:  func(w *world) { w.variable("PROVIDER_ENVIRONMENT", "production") },
	},
	{
		name: "an emulated AWS", found: fails("hesabe function", "AWS_ENDPOINT_URL", "AwsEndpointUrl"),
		spoil: func(w *world) { w.variable("AWS_ENDPOINT_URL", "http://localhost:5000") },
		heal:  func(w *world) { w.variable("AWS_ENDPOINT_URL", "") },
	},
	{
		name: "a short timeout", found: fails("hesabe function", "may run for 3s", "34s", "--timeout 40"),
		spoil: func(w *world) { w.timeout(3) },
		heal:  func(w *world) { w.timeout(40) },
	},
	{
		name: "a failed update", found: fails("hesabe function", "last update", "failed", "sam deploy"),
		spoil: answers("GetFunctionConfiguration", replaced(`"LastUpdateStatus": "Successful"`, `"LastUpdateStatus": "Failed"`)),
	},
	{
		name: "a function that is switched off", found: fails("hesabe function", "no run of it may start", "delete-function-concurrency --function-name "+hesabe),
		spoil: func(w *world) {
			_, err := w.lambda.PutFunctionConcurrency(w.t.Context(), &lambda.PutFunctionConcurrencyInput{
				FunctionName: aws.String(hesabe), ReservedConcurrentExecutions: aws.Int32(0),
			})
			w.must(err)
		},
		heal: func(w *world) {
			_, err := w.lambda.DeleteFunctionConcurrency(w.t.Context(), &lambda.DeleteFunctionConcurrencyInput{FunctionName: aws.String(hesabe)})
			w.must(err)
		},
	},
	{
		name:  "a run that needs a person",
		found: fails("hesabe dry run", "cannot go on", "default: misconfigured: the role needs kms:Decrypt", "hesabe credentials"),
		spoil: func(w *world) {
			w.faults(`{"errorType":"NeedsPersonError","errorMessage":"hesabe, run 1: default: misconfigured: the role needs kms:Decrypt"}`)
		},
	},
	{
		name: "a run without a way out", found: fails("hesabe dry run", "ran out of time", "NAT gateway", "logs tail /aws/lambda/"+hesabe),
		spoil: func(w *world) {
			w.faults(`{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: 1 Error: Task timed out after 40.00 seconds"}`)
		},
	},
	{
		name: "a function that does not start", found: fails("hesabe dry run", "Runtime.ExitError", "logs tail"),
		spoil: func(w *world) { w.faults(`{"errorType":"Runtime.ExitError","errorMessage":"exit status 1"}`) },
	},
	{
		name: "another function under the name", found: fails("hesabe dry run", "does not answer as the function of hesabe", "--stack"),
		spoil: func(w *world) { w.front.invoke = func(string) (string, bool) { return `{"statusCode":200}`, false } },
	},
	{
		name: "no concurrency left", found: fails("hesabe dry run", "no concurrency is left", "get-account-settings"),
		spoil: func(w *world) { w.front.refuse["InvokeFunction"] = "TooManyRequestsException" },
	},
	{
		name: "a schedule that somebody switched off", found: fails("hesabe schedule", "is switched off", "update-schedule", "--state ENABLED",
			"'rate(1 minute)'", `"Arn":"arn:aws:lambda:eu-west-1:123456789012:function:`+hesabe, `"MaximumRetryAttempts":0`, "DeadLetterConfig"),
		spoil: func(w *world) {
			w.schedule(func(s *scheduler.UpdateScheduleInput) { s.State = schedulertypes.ScheduleStateDisabled })
		},
		heal: func(w *world) { w.schedule(func(*scheduler.UpdateScheduleInput) {}) },
	},
	{
		name: "a schedule of another function", found: fails("hesabe schedule", "calls arn:aws:lambda:eu-west-1:123456789012:function:other", "target"),
		spoil: func(w *world) {
			w.schedule(func(s *scheduler.UpdateScheduleInput) {
				s.Target.Arn = aws.String("arn:aws:lambda:eu-west-1:123456789012:function:other")
			})
		},
		heal: func(w *world) { w.schedule(func(*scheduler.UpdateScheduleInput) {}) },
	},
	{
		name: "a schedule of dry runs", found: fails("hesabe schedule", `sends {"dry_run":true}`, "{}"),
		spoil: func(w *world) {
			w.schedule(func(s *scheduler.UpdateScheduleInput) { s.Target.Input = aws.String(`{"dry_run":true}`) })
		},
		heal: func(w *world) { w.schedule(func(*scheduler.UpdateScheduleInput) {}) },
	},
	{
		name: "a schedule of another pace", found: warns("hesabe schedule", "rate(5 minutes)", "rate(1 minute)", "ScheduleRate=rate(5 minutes)"),
		spoil: func(w *world) {
			w.schedule(func(s *scheduler.UpdateScheduleInput) { s.ScheduleExpression = aws.String("rate(5 minutes)") })
		},
		heal: func(w *world) { w.schedule(func(*scheduler.UpdateScheduleInput) {}) },
	},
	{
		name: "no schedule", found: fails("hesabe schedule", "no schedule", "nothing calls the function", "CreateState=false"),
		spoil: func(w *world) { w.front.refuse["GetSchedule"] = "ResourceNotFoundException" },
	},
	{
		name: "a provider that is not deployed", found: found{"hesabe schedule", doctor.Skipped, []string{"switched off at the deployment"}},
		spoil: func(w *world) {
			w.schedule(func(s *scheduler.UpdateScheduleInput) { s.State = schedulertypes.ScheduleStateDisabled })
			w.front.rewrite["DescribeAlarms"] = replaced(hesabe+"-expiry", "gone-expiry")
		},
		heal: func(w *world) { w.schedule(func(*scheduler.UpdateScheduleInput) {}) },
	},
	{
		name: "no secret", found: fails("hesabe secrets", tokens+" does not exist", "create-secret --name "+tokens),
		spoil: func(w *world) {
			w.front.refuse["DescribeSecret "+tokens] = "ResourceNotFoundException"
		},
	},
	{
		name: "no secrets", found: fails("hesabe secrets", "hesabe/shop-2 has no secrets", "--secret-prefix", "tokenctl seed credentials --provider hesabe --account shop-2"),
		spoil: func(w *world) { w.stack.Accounts = []string{"shop-2"} },
	},
	{
		name: "a deleted secret", found: fails("hesabe secrets", "scheduled for deletion", "restore-secret --secret-id "+tokens),
		spoil: func(w *world) {
			_, err := w.secrets.DeleteSecret(w.t.Context(), &secretsmanager.DeleteSecretInput{SecretId: aws.String(tokens)})
			w.must(err)
		},
		heal: func(w *world) {
			_, err := w.secrets.RestoreSecret(w.t.Context(), &secretsmanager.RestoreSecretInput{SecretId: aws.String(tokens)})
			w.must(err)
		},
	},
	{
		name: "AWS's own rotation", found: fails("hesabe secrets", "rotation is on", "cancel-rotate-secret --secret-id "+tokens),
		// moto makes a version when rotation is switched on, which AWS does not if it is told so.
		spoil: answers("DescribeSecret", replaced(`"Name":`, `"RotationEnabled": true, "Name":`)),
	},
	{
		name: "too many versions", found: warns("hesabe secrets", "134 versions", "144", "docs/operations.md#versions"),
		spoil: answers("ListSecretVersionIds", func(string) string {
			version := fmt.Sprintf(`{"VersionId":"v","CreatedDate":%d}`, time.Now().Unix())
			return `{"Versions":[` + strings.Repeat(version+",", 133) + version + `]}`
		}),
	},
	{
		name: "a disabled key", found: fails("hesabe secrets", "is Disabled", "kms enable-key --key-id"),
		spoil: func(w *world) { // moto reads on with a disabled key
			key := w.disabledKey()
			w.front.rewrite["DescribeSecret"] = replaced(`"Name":`, `"KmsKeyId": "`+key+`", "Name":`)
		},
	},
	{
		name: "a key that is gone", found: fails("hesabe secrets", "is gone", "KmsKeyArn"),
		spoil: answers("DescribeSecret",
			replaced(`"Name":`, `"KmsKeyId": "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000000", "Name":`)),
	},
	{
		name: "a key that one may not look at", found: found{"hesabe secrets", doctor.Skipped, []string{"you may not look", "allow kms:DescribeKey on arn:aws:kms:"}},
		spoil: func(w *world) {
			key := w.disabledKey()
			w.front.refuse["DescribeKey"] = "AccessDeniedException"
			w.front.rewrite["DescribeSecret"] = replaced(`"Name":`, `"KmsKeyId": "`+key+`", "Name":`)
		},
	},
	{
		name: "a provider that is down", found: warns("tconnect address", "refuses connections", "from this machine", "curl"),
		spoil: func(w *world) { w.address("http://" + closedPort(w.t)) },
		heal:  (*world).reseed,
	},
	{
		name: "a name that nobody knows", found: warns("tconnect address", "nobody.invalid is not found", "getent hosts nobody.invalid"),
		spoil: func(w *world) { w.address("https://nobody.invalid") },
		heal:  (*world).reseed,
	},
	{
		name: "a certificate that nobody trusts", found: warns("tconnect address", "certificate", "proxy", "openssl s_client"),
		spoil: func(w *world) {
			server := httptest.NewUnstartedServer(http.NotFoundHandler())
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			server.StartTLS()
			w.t.Cleanup(server.Close)
			w.address(server.URL)
		},
		heal: (*world).reseed,
	},
	{
		name: "a provider's clock", found: warns("tconnect address", "behind that of 127.0.0.1"),
		spoil: func(w *world) {
			server := httptest.NewServer(http.HandlerFunc(func(a http.ResponseWriter, _ *http.Request) {
				a.Header().Set("Date", time.Now().Add(10*time.Second).UTC().Format(http.TimeFormat))
			}))
			w.t.Cleanup(server.Close)
			w.address(server.URL)
		},
		heal: (*world).reseed,
	},
	{
		name: "credentials that nobody filled in", found: fails("tconnect credentials", "tconnect/default", "seed credentials --provider tconnect"),
		spoil: func(w *world) { w.credentials(`{"placeholder":"x"}`) },
		heal:  (*world).reseed,
	},
	{
		name: "credentials that cannot be read", found: fails("tconnect credentials", tconnect, "not a JSON object", "seed credentials"),
		spoil: func(w *world) { w.credentials(`{"username":`) },
		heal:  (*world).reseed,
	},
	{
		name: "a dead token", found: fails("hesabe credentials", "refused", "no login", "seed"),
		spoil: func(w *world) { w.state(refresh.Dead) },
		heal:  func(w *world) { w.state("") },
	},
	{
		name: "an uncertain token", found: fails("hesabe credentials", "may be spent", "resolve"),
		spoil: func(w *world) { w.state(refresh.Uncertain) },
		heal:  func(w *world) { w.state("") },
	},
	{
		name: "a misconfigured credential", found: fails("hesabe credentials", "could not go on", "seed credentials"),
		spoil: func(w *world) { w.state(refresh.Misconfigured) },
		heal:  func(w *world) { w.state("") },
	},
	{
		name: "a pause that was forgotten", found: found{"hesabe credentials", doctor.Fail, []string{"paused", "tokenctl resume --provider hesabe"}},
		spoil: func(w *world) {
			w.must(w.home.Ledger.SetPaused(w.t.Context(), w.key("hesabe"), true))
			w.stack.Now = func() time.Time { return time.Now().Add(time.Hour) }
		},
		heal: func(w *world) { w.must(w.home.Ledger.SetPaused(w.t.Context(), w.key("hesabe"), false)) },
	},
	{
		name: "silence", found: fails("hesabe credentials", "no run has begun one for", "schedule"),
		spoil: func(w *world) { w.stack.Now = func() time.Time { return time.Now().Add(time.Hour) } },
	},
	{
		name: "an alarm that is gone", found: fails("alarms", "missing: stack-refresh-hesabe-expiry", "CreateState=false"),
		spoil: answers("DescribeAlarms", replaced(">stack-refresh-hesabe-expiry<", ">gone-expiry<")),
	},
	{
		name: "no alarms", found: fails("alarms", "the stack stack has no alarms in eu-west-1", "--stack"),
		spoil: answers("DescribeAlarms", replaced(">stack-", ">gone-")),
	},
	{
		name: "alarms that are switched off", found: fails("alarms", "nobody hears", "and 19 more", "enable-alarm-actions --alarm-names stack-dead-letters stack-refresh-hesabe-expiry"),
		spoil: answers("DescribeAlarms", replaced("<ActionsEnabled>true<", "<ActionsEnabled>false<")),
	},
	{
		name: "alarms without an action", found: fails("alarms", "no action is set", "topic"),
		spoil: answers("DescribeAlarms", func(body string) string {
			return regexp.MustCompile(`(?s)<AlarmActions>.*?</AlarmActions>`).ReplaceAllString(body, "<AlarmActions/>")
		}),
	},
	{
		name: "an alarm that rings", found: fails("alarms", "stack-refresh-hesabe-dead-or-uncertain rings: one datapoint", "docs/operations.md#dead-or-uncertain"),
		spoil: func(w *world) { w.ring("stack-refresh-hesabe-dead-or-uncertain", cwtypes.StateValueAlarm) },
		heal:  func(w *world) { w.ring("stack-refresh-hesabe-dead-or-uncertain", cwtypes.StateValueOk) },
	},
	{
		name: "a mail that nobody has confirmed", found: fails("alarm topic", "team@example.com has not confirmed", "AWS Notification",
			"sns subscribe --topic-arn arn:aws:sns:eu-west-1:123456789012:stack-Alarms --protocol email --notification-endpoint team@example.com"),
		// moto takes every subscription for confirmed.
		spoil: answers("ListSubscriptionsByTopic", func(body string) string {
			return regexp.MustCompile(`<SubscriptionArn>.*?</SubscriptionArn>`).ReplaceAllString(body, "<SubscriptionArn>PendingConfirmation</SubscriptionArn>")
		}),
	},
	{
		name: "a topic without anybody", found: fails("alarm topic", "nobody has subscribed", "AlarmEmail", "sns subscribe"),
		spoil: answers("ListSubscriptionsByTopic", func(body string) string {
			return regexp.MustCompile(`(?s)<member>.*</member>`).ReplaceAllString(body, "")
		}),
	},
	{
		name: "no topic", found: fails("alarm topic", "is gone"),
		spoil: func(w *world) { w.front.refuse["ListSubscriptionsByTopic"] = "NotFound" },
	},
	{
		name: "a dead letter", found: fails("dead letters", "1 messages lie in stack-DeadLetters-1A2B", "purge-queue"),
		spoil: func(w *world) { w.send("stack-DeadLetters-1A2B") },
		heal:  func(w *world) { w.purge("stack-DeadLetters-1A2B") },
	},
	{
		name: "a message that failed", found: fails("dead letters", "1 messages lie in stack-berbix-dead-letters",
			"start-message-move-task --source-arn arn:aws:sqs:eu-west-1:123456789012:stack-berbix-dead-letters"),
		spoil: func(w *world) { w.send("stack-berbix-dead-letters") },
		heal:  func(w *world) { w.purge("stack-berbix-dead-letters") },
	},
	{
		name: "a queue that nobody takes from", found: fails("dead letters", "takes nothing from the queue stack-berbix", "update-event-source-mapping --uuid"),
		spoil: answers("ListEventSourceMappings", replaced(`"State": "Enabled"`, `"State": "Disabled"`)),
	},
	{
		name: "no queue", found: fails("dead letters", "the queue stack-gone is gone"),
		spoil: answers("DescribeAlarms", replaced("stack-DeadLetters-1A2B", "stack-gone")),
	},
	{
		name: "no dashboard", found: warns("dashboard", "no dashboard stack-eu-west-1"),
		spoil: func(w *world) {
			_, err := w.watch.DeleteDashboards(w.t.Context(), &cloudwatch.DeleteDashboardsInput{DashboardNames: []string{"stack-eu-west-1"}})
			w.must(err)
		},
		heal: func(w *world) {
			_, err := w.watch.PutDashboard(w.t.Context(), &cloudwatch.PutDashboardInput{
				DashboardName: aws.String("stack-eu-west-1"), DashboardBody: aws.String("{}"),
			})
			w.must(err)
		},
	},
}
