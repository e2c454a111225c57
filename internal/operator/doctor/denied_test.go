package doctor_test

import (
	"os"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/operator/doctor"
)

// denied refuses each call in turn: the check reports the missing permission, and not a missing
// resource.
func denied(t *testing.T, w *world) {
	t.Helper()
	document, err := os.ReadFile("../../../docs/doctor.md")
	assert.NilError(t, err)
	for operation, c := range map[string]struct{ check, action, resource string }{
		"DescribeTable":             {"ledger", "dynamodb:DescribeTable", "arn:aws:dynamodb:eu-west-1:123456789012:table/" + ledger},
		"DescribeContinuousBackups": {"ledger", "dynamodb:DescribeContinuousBackups", ledger},
		"DescribeTimeToLive":        {"transactions", "dynamodb:DescribeTimeToLive", moved},
		"GetFunctionConfiguration":  {"hesabe function", "lambda:GetFunctionConfiguration", "function:" + hesabe},
		"GetFunctionConcurrency":    {"hesabe function", "lambda:GetFunctionConcurrency", "function:" + hesabe},
		"InvokeFunction":            {"hesabe dry run", "lambda:InvokeFunction", "function:" + hesabe + " to arn:aws:sts::123456789012:user/moto; or leave it out: --no-invoke"},
		"GetSchedule":               {"hesabe schedule", "scheduler:GetSchedule", "schedule/default/" + hesabe},
		"DescribeSecret":            {"hesabe secrets", "secretsmanager:DescribeSecret", prefix + "/hesabe/default/credentials-??????"},
		"ListSecretVersionIds":      {"hesabe secrets", "secretsmanager:ListSecretVersionIds", tokens},
		"GetSecretValue":            {"hesabe credentials", "secretsmanager:GetSecretValue", prefix + "/hesabe/default/credentials-??????"},
		"Query":                     {"hesabe credentials", "dynamodb:Query", ledger},
		"DescribeAlarms":            {"alarms", "cloudwatch:DescribeAlarms", "alarm:"},
		"ListSubscriptionsByTopic":  {"alarm topic", "sns:ListSubscriptionsByTopic", w.Topic},
		"GetQueueUrl":               {"dead letters", "sqs:GetQueueUrl", "DeadLetters"},
		"GetQueueAttributes":        {"dead letters", "sqs:GetQueueAttributes", "DeadLetters"},
		"GetDashboard":              {"dashboard", "cloudwatch:GetDashboard", "dashboard/stack-eu-west-1"},
	} {
		w.Front.Refuse[operation] = "AccessDeniedException"
		all := look(t, w.stack.Checks(), c.check)
		w.Front.Reset()
		assert.Check(t, strings.Contains(string(document), c.action), "docs/doctor.md does not name %s", c.action)
		want(t, all, c.check, doctor.Skipped, "allow "+c.action, c.resource, "arn:aws:sts::123456789012:user/moto")
		for _, f := range all {
			for _, wrong := range []string{"there is no", "does not exist", "is gone"} {
				assert.Check(t, !strings.Contains(f.Cause, wrong),
					"%s: without %s it reports something as missing: %+v", c.check, operation, f)
			}
		}
	}
}
