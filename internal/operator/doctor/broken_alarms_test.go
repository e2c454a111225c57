package doctor_test

import (
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

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
		name: "alarms that are switched off", found: fails("alarms", "nobody hears", "and 29 more", "enable-alarm-actions --alarm-names stack-dead-letters stack-refresh-hesabe-expiry"),
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
