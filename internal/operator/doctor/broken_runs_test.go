package doctor_test

import (
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"

	"tokenrefresh/internal/operator/doctor"
)

// brokenRuns breaks functions and schedules.
var brokenRuns = []breakage{
	{
		name: "another stack's name", found: fails("stack", "no stack other in eu-west-1", "--stack", "sam deploy"),
		spoil: func(w *world) { w.stack.Name = "other" },
	},
	{
		name: "a function that is gone", found: fails("hesabe function", "no function "+hesabe+" in eu-west-1", "CreateState=false"),
		spoil: func(w *world) { w.Front.Refuse["GetFunctionConfiguration "+hesabe] = "ResourceNotFoundException" },
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
		name: "an account that nobody looks after", found: fails("hesabe function", "nobody keeps the account shop-2", `{"account":"shop-2"}`),
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
		name: "a short timeout", found: fails("hesabe function", "may run for 3s", "34s", "--timeout 60"),
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
			_, err := w.Lambda.PutFunctionConcurrency(w.t.Context(), &lambda.PutFunctionConcurrencyInput{
				FunctionName: aws.String(hesabe), ReservedConcurrentExecutions: aws.Int32(0),
			})
			w.must(err)
		},
		heal: func(w *world) {
			_, err := w.Lambda.DeleteFunctionConcurrency(w.t.Context(), &lambda.DeleteFunctionConcurrencyInput{FunctionName: aws.String(hesabe)})
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
		spoil: func(w *world) { w.Front.Invoke = func(string) (string, bool) { return `{"statusCode":200}`, false } },
	},
	{
		name: "no concurrency left", found: fails("hesabe dry run", "no concurrency is left", "get-account-settings"),
		spoil: func(w *world) { w.Front.Refuse["InvokeFunction"] = "TooManyRequestsException" },
	},
	{
		name: "a schedule that somebody switched off", found: fails("hesabe schedule", "is switched off", "update-schedule", "--state ENABLED",
			"'rate(1 minute)'", `"Arn":"arn:aws:lambda:eu-west-1:123456789012:function:`+hesabe, `"MaximumRetryAttempts":0`, "DeadLetterConfig"),
		spoil: scheduled(func(s *scheduler.UpdateScheduleInput) { s.State = schedulertypes.ScheduleStateDisabled }),
		heal:  scheduled(func(*scheduler.UpdateScheduleInput) {}),
	},
	{
		name: "a schedule of another function", found: fails("hesabe schedule", "calls arn:aws:lambda:eu-west-1:123456789012:function:other", "target"),
		spoil: scheduled(func(s *scheduler.UpdateScheduleInput) {
			s.Target.Arn = aws.String("arn:aws:lambda:eu-west-1:123456789012:function:other")
		}),
		heal: scheduled(func(*scheduler.UpdateScheduleInput) {}),
	},
	{
		name: "a schedule of dry runs", found: fails("hesabe schedule", `sends {"dry_run":true}`, "{}"),
		spoil: scheduled(func(s *scheduler.UpdateScheduleInput) { s.Target.Input = aws.String(`{"dry_run":true}`) }),
		heal:  scheduled(func(*scheduler.UpdateScheduleInput) {}),
	},
	{
		name: "a schedule of another pace", found: warns("hesabe schedule", "rate(5 minutes)", "rate(1 minute)", "ScheduleRate=rate(5 minutes)"),
		spoil: scheduled(func(s *scheduler.UpdateScheduleInput) { s.ScheduleExpression = aws.String("rate(5 minutes)") }),
		heal:  scheduled(func(*scheduler.UpdateScheduleInput) {}),
	},
	{
		name: "no schedule", found: fails("hesabe schedule", "no schedule", "nothing calls the function", "CreateState=false"),
		spoil: func(w *world) { w.Front.Refuse["GetSchedule"] = "ResourceNotFoundException" },
	},
	{
		name: "a provider that is not deployed", found: found{"hesabe schedule", doctor.Skipped, []string{"switched off at the deployment"}},
		spoil: func(w *world) {
			w.schedule(func(s *scheduler.UpdateScheduleInput) { s.State = schedulertypes.ScheduleStateDisabled })
			w.Front.Rewrite["DescribeAlarms"] = replaced(hesabe+"-expiry", "gone-expiry")
		},
		heal: scheduled(func(*scheduler.UpdateScheduleInput) {}),
	},
}

// brokenAlarms breaks the alarms and their ways to people.
var brokenAlarms = []breakage{
	{
		name: "an alarm that is gone", found: fails("alarms", "missing: stack-refresh-hesabe-expiry", "CreateState=false"),
		spoil: answers("DescribeAlarms", replaced(">stack-refresh-hesabe-expiry<", ">gone-expiry<")),
	},
	{
		name: "no alarms", found: fails("alarms", "the stack stack has no alarms in eu-west-1", "--stack"),
		spoil: answers("DescribeAlarms", replaced(">stack-", ">gone-")),
	},
	{
		name: "alarms that are switched off", found: fails("alarms", "nobody hears", "and 22 more", "enable-alarm-actions --alarm-names stack-dead-letters stack-refresh-hesabe-expiry"),
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
			"sns subscribe --topic-arn arn:aws:sns:eu-west-1:123456789012:stack-Alarms-", " --protocol email --notification-endpoint team@example.com"),
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
		spoil: func(w *world) { w.Front.Refuse["ListSubscriptionsByTopic"] = "NotFound" },
	},
	{
		name: "a dead letter", found: fails("dead letters", "1 messages lie in stack-DeadLetters-",
			"docs/operations.md#dead-letters", "do not purge the queue"),
		spoil: func(w *world) { w.send(w.DeadLetters) },
		heal:  func(w *world) { w.purge(w.DeadLetters) },
		never: "sqs receive-message", // it shows refresh tokens
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
		spoil: func(w *world) { w.Front.Rewrite["DescribeAlarms"] = replaced(w.DeadLetters, "stack-gone") },
	},
	{
		name: "no dashboard", found: warns("dashboard", "no dashboard stack-eu-west-1"),
		spoil: func(w *world) {
			_, err := w.Watch.DeleteDashboards(w.t.Context(), &cloudwatch.DeleteDashboardsInput{DashboardNames: []string{"stack-eu-west-1"}})
			w.must(err)
		},
		heal: func(w *world) {
			_, err := w.Watch.PutDashboard(w.t.Context(), &cloudwatch.PutDashboardInput{
				DashboardName: aws.String("stack-eu-west-1"), DashboardBody: aws.String("{}"),
			})
			w.must(err)
		},
	},
}
