package doctor_test

import (
	"github.com/aws/aws-sdk-go-v2/aws"
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
		spoil: func(w *world) { w.Front.Refuse["GetSchedule"] = "ResourceNotFoundException" },
	},
	{
		name: "a provider that is not deployed", found: found{"hesabe schedule", doctor.Skipped, []string{"switched off at the deployment"}},
		spoil: func(w *world) {
			w.schedule(func(s *scheduler.UpdateScheduleInput) { s.State = schedulertypes.ScheduleStateDisabled })
			w.Front.Rewrite["DescribeAlarms"] = replaced(hesabe+"-expiry", "gone-expiry")
		},
		heal: func(w *world) { w.schedule(func(*scheduler.UpdateScheduleInput) {}) },
	},
}
