package template_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/template"
)

const deployerPolicy = "../../docs/deployer-policy.json"

// maxManagedPolicy is how many characters IAM takes in a managed policy, white space
// not counted.
const maxManagedPolicy = 6144

// deployer are the statements of the document, for a stack of another name: as it tells
// people to do, the name is replaced throughout.
func deployer(t *testing.T, name string) []statement {
	t.Helper()
	text, err := os.ReadFile(deployerPolicy)
	assert.NilError(t, err)
	var document template.Object
	assert.NilError(t, json.Unmarshal([]byte(strings.ReplaceAll(string(text), "token-refresh", name)), &document))
	return statements(template.Resource{Properties: template.Object{"PolicyDocument": document}})
}

// like matches IAM's wildcard for any text.
func like(pattern, text string) bool {
	flat := strings.NewReplacer("/", "|") // which a * of Match does not match
	matches, err := filepath.Match(flat.Replace(pattern), flat.Replace(text))
	return matches && err == nil
}

// request is what IAM decides on.
type request struct{ action, resource, key, value string }

// allowed evaluates statements that only allow.
func allowed(policy []statement, r request) bool {
	return slices.ContainsFunc(policy, func(s statement) bool {
		for _, wanted := range s.condition { // all of ours are matches of one key
			values, about := wanted.(template.Object)[r.key]
			if !about || !slices.ContainsFunc(words(values), func(v string) bool { return like(v, r.value) }) {
				return false
			}
		}
		return slices.ContainsFunc(s.actions, func(a string) bool { return like(a, r.action) }) &&
			slices.ContainsFunc(s.resources, func(p string) bool { return like(p, r.resource) })
	})
}

// handling is what CloudFormation calls, in the deployer's name, to make, change and
// delete a resource of a type: what the type's schema in its registry lists, less what is
// for properties that the template does not set.
type handling struct {
	arn     string // ID stands for the logical id, NAME for the name that the template gives
	actions []string
	ends    []string // of these, what deletes it
	key     string   // condition that the calls come with
	value   string
}

const (
	ours    = "123456789012"
	here    = "eu-west-1:" + ours + ":"
	roleArn = "arn:aws:iam::" + ours + ":role/stack-ID-1ABC"
)

var roleActions = []string{
	"iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:GetRole", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies",
	"iam:GetRolePolicy", "iam:UpdateRole", "iam:UpdateRoleDescription", "iam:UpdateAssumeRolePolicy", "iam:DetachRolePolicy",
	"iam:TagRole", "iam:UntagRole",
}

// handlings has an entry for each type of the template; for functions also what the
// Serverless transform makes of them.
var handlings = map[string][]handling{
	template.Function: {
		{arn: "arn:aws:lambda:" + here + "function:NAME", actions: []string{
			"lambda:CreateFunction", "lambda:GetFunction", "lambda:GetFunctionCodeSigningConfig", "lambda:GetRuntimeManagementConfig",
			"lambda:PutFunctionConcurrency", "lambda:DeleteFunctionConcurrency", "lambda:UpdateFunctionConfiguration",
			"lambda:UpdateFunctionCode", "lambda:ListTags", "lambda:TagResource", "lambda:UntagResource",
			"lambda:PutFunctionEventInvokeConfig", "lambda:GetFunctionEventInvokeConfig", "lambda:UpdateFunctionEventInvokeConfig",
			"lambda:GetFunctionRecursionConfig", "lambda:GetFunctionScalingConfig",
		}, ends: []string{"lambda:DeleteFunction", "lambda:DeleteFunctionEventInvokeConfig"}},
		{arn: "arn:aws:s3:::aws-sam-cli-managed-default-samclisourcebucket-1abc/stack/2def", actions: []string{
			"s3:PutObject", "s3:GetObject", "s3:GetObjectVersion",
		}},
		{arn: "*", actions: []string{
			"ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs", "ec2:DescribeNetworkInterfaces",
		}},
		{
			arn: "arn:aws:iam::" + ours + ":role/stack-IDRole-1ABC", actions: []string{"iam:PassRole"},
			key: "iam:PassedToService", value: "lambda.amazonaws.com",
		},
		{arn: "arn:aws:scheduler:" + here + "schedule/default/NAME", actions: []string{
			"scheduler:CreateSchedule", "scheduler:GetSchedule", "scheduler:UpdateSchedule",
		}, ends: []string{"scheduler:DeleteSchedule"}},
		{
			arn: "arn:aws:iam::" + ours + ":role/stack-IDTickRole-1ABC", actions: []string{"iam:PassRole"},
			key: "iam:PassedToService", value: "scheduler.amazonaws.com",
		},
		{arn: "arn:aws:iam::" + ours + ":role/stack-IDTickRole-1ABC", actions: roleActions, ends: []string{"iam:DeleteRole"}},
	},
	"AWS::Lambda::EventSourceMapping": {
		{
			arn: "arn:aws:lambda:" + here + "event-source-mapping:1-2-3",
			actions: []string{
				"lambda:CreateEventSourceMapping", "lambda:GetEventSourceMapping", "lambda:UpdateEventSourceMapping",
			},
			ends: []string{"lambda:DeleteEventSourceMapping"},
			key:  "lambda:FunctionArn", value: "arn:aws:lambda:" + here + "function:stack-refresh-berbix",
		},
		{arn: "arn:aws:lambda:" + here + "event-source-mapping:1-2-3", actions: []string{
			"lambda:ListTags", "lambda:TagResource", "lambda:UntagResource",
		}},
	},
	"AWS::Events::Rule": {{
		arn: "arn:aws:events:" + here + "rule/default/stack-ID-1ABC",
		actions: []string{
			"events:DescribeRule", "events:PutRule", "events:PutTargets", "events:RemoveTargets", "events:ListTargetsByRule",
			"events:TagResource", "events:UntagResource", "events:ListTagsForResource",
		},
		ends: []string{"events:DeleteRule"},
	}},
	"AWS::Lambda::Permission": {{
		arn: "arn:aws:lambda:" + here + "function:stack-refresh-hesabe", actions: []string{"lambda:AddPermission", "lambda:GetPolicy"},
		ends: []string{"lambda:RemovePermission"},
	}},
	"AWS::IAM::Role": {{arn: roleArn, actions: roleActions, ends: []string{"iam:DeleteRole", "iam:DeleteRolePolicy"}}},
	"AWS::IAM::ManagedPolicy": {{arn: "arn:aws:iam::" + ours + ":policy/stack-ID-1ABC", actions: []string{
		"iam:CreatePolicy", "iam:GetPolicy", "iam:GetPolicyVersion", "iam:ListEntitiesForPolicy", "iam:ListPolicyVersions",
		"iam:CreatePolicyVersion", "iam:DeletePolicyVersion",
	}, ends: []string{"iam:DeletePolicy"}}},
	"AWS::Logs::LogGroup": {
		{arn: "arn:aws:logs:" + here + "log-group:NAME", actions: []string{
			"logs:CreateLogGroup", "logs:PutRetentionPolicy", "logs:DeleteRetentionPolicy", "logs:TagResource", "logs:UntagResource",
			"logs:ListTagsForResource", "logs:GetDataProtectionPolicy",
		}, ends: []string{"logs:DeleteLogGroup"}},
		{arn: "*", actions: []string{"logs:DescribeIndexPolicies", "logs:DescribeLogGroups"}},
	},
	"AWS::SQS::Queue": {{arn: "arn:aws:sqs:" + here + "NAME", actions: []string{
		"sqs:CreateQueue", "sqs:GetQueueUrl", "sqs:GetQueueAttributes", "sqs:SetQueueAttributes", "sqs:ListQueueTags", "sqs:TagQueue",
		"sqs:UntagQueue",
	}, ends: []string{"sqs:DeleteQueue"}}},
	"AWS::SQS::QueuePolicy": {{arn: "arn:aws:sqs:" + here + "stack-DeadLetters-1ABC", ends: []string{"sqs:SetQueueAttributes"}}},
	"AWS::SNS::Topic": {{arn: "arn:aws:sns:" + here + "stack-ID-1ABC", actions: []string{
		"sns:CreateTopic", "sns:GetTopicAttributes", "sns:SetTopicAttributes", "sns:TagResource", "sns:UntagResource",
		"sns:ListTagsForResource", "sns:ListSubscriptionsByTopic", "sns:GetDataProtectionPolicy",
	}, ends: []string{"sns:DeleteTopic"}}},
	"AWS::SNS::Subscription": {
		{arn: "arn:aws:sns:" + here + "stack-Alarms-1ABC", actions: []string{"sns:Subscribe", "sns:ListSubscriptionsByTopic"}},
		{
			arn:     "*",
			actions: []string{"sns:GetSubscriptionAttributes", "sns:SetSubscriptionAttributes"}, ends: []string{"sns:Unsubscribe"},
		},
	},
	"AWS::CloudWatch::Alarm": {
		{arn: "arn:aws:cloudwatch:" + here + "alarm:NAME", actions: []string{
			"cloudwatch:PutMetricAlarm", "cloudwatch:TagResource", "cloudwatch:UntagResource", "cloudwatch:ListTagsForResource",
		}, ends: []string{"cloudwatch:DeleteAlarms"}},
		{arn: "*", actions: []string{"cloudwatch:DescribeAlarms"}},
	},
	"AWS::CloudWatch::Dashboard": {{
		arn:     "arn:aws:cloudwatch::" + ours + ":dashboard/NAME",
		actions: []string{"cloudwatch:PutDashboard", "cloudwatch:GetDashboard"}, ends: []string{"cloudwatch:DeleteDashboards"},
	}},
	secretType: {
		{arn: "arn:aws:secretsmanager:" + here + "secret:NAME-1aBcDe", actions: []string{
			"secretsmanager:CreateSecret", "secretsmanager:DescribeSecret", "secretsmanager:UpdateSecret", "secretsmanager:TagResource",
			"secretsmanager:UntagResource",
		}, ends: []string{"secretsmanager:DeleteSecret"}},
		{
			// Without kms:Encrypt, Secrets Manager leaves versions under the old key, and says nothing.
			arn: "arn:aws:kms:" + here + "key/1", actions: []string{"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"},
			key: "kms:ViaService", value: "secretsmanager.eu-west-1.amazonaws.com",
		},
	},
	tableType: {
		{arn: "arn:aws:dynamodb:" + here + "table/NAME", actions: []string{
			"dynamodb:CreateTable", "dynamodb:DescribeTable", "dynamodb:UpdateTable", "dynamodb:DescribeTimeToLive",
			"dynamodb:UpdateTimeToLive", "dynamodb:DescribeContinuousBackups", "dynamodb:UpdateContinuousBackups",
			"dynamodb:DescribeContributorInsights", "dynamodb:DescribeKinesisStreamingDestination", "dynamodb:GetResourcePolicy",
			"dynamodb:ListTagsOfResource", "dynamodb:TagResource", "dynamodb:UntagResource",
		}, ends: []string{"dynamodb:DeleteTable"}},
		{
			arn:     "arn:aws:kms:" + here + "key/1",
			actions: []string{"kms:CreateGrant", "kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"},
			key:     "kms:ViaService", value: "dynamodb.eu-west-1.amazonaws.com",
		},
		{arn: "*", actions: []string{"kms:DescribeKey"}},
	},
}

// nameOf is the name that the template gives a resource; one that CloudFormation makes up
// begins with the stack's.
func nameOf(id string, p template.Object) string {
	for _, property := range []string{
		"Name", "TableName", "FunctionName", "LogGroupName", "QueueName", "AlarmName", "DashboardName",
	} {
		if name := template.Get[string](p, property); name != "" {
			return name
		}
	}
	return "stack-" + id + "-1ABC"
}

// Who has the policy of the document can deploy every variant, change it and delete it. The
// deployer need not delete what outlives the stack, and must not be able to.
func TestDeployerMayDeploy(t *testing.T) {
	t.Parallel()
	policy := deployer(t, "stack")
	for variant, parameters := range template.Variants {
		t.Run(variant, func(t *testing.T) {
			t.Parallel()
			all := map[string]string{}
			maps.Copy(all, parameters)
			all["SecretPrefix"], all["TablePrefix"] = "stack", "stack"
			stack := with(t, all)
			for id, r := range stack.Resources {
				assert.Check(t, len(handlings[r.Type]) != 0, "%s: nothing is said of %s", id, r.Type)
				for _, h := range handlings[r.Type] {
					arn := strings.NewReplacer("ID", id, "NAME", nameOf(id, r.Properties)).Replace(h.arn)
					for _, action := range slices.Concat(h.actions, h.ends) {
						want := r.DeletionPolicy != "Retain" || !slices.Contains(h.ends, action)
						got := allowed(policy, request{action, arn, h.key, h.value})
						assert.Check(t, got == want, "%s (%s): %s on %s is allowed: %t", id, r.Type, action, arn, got)
					}
				}
			}
		})
	}
}

func TestDeployerMayNoMore(t *testing.T) {
	t.Parallel()
	policy := deployer(t, "stack")
	for _, r := range []request{
		{"secretsmanager:GetSecretValue", "arn:aws:secretsmanager:" + here + "secret:stack/hesabe/default/tokens-1aBcDe", "", ""},
		{"dynamodb:GetItem", "arn:aws:dynamodb:" + here + "table/stack-ledger", "", ""},
		{"sqs:ReceiveMessage", "arn:aws:sqs:" + here + "stack-DeadLetters-1ABC", "", ""},
		{"kms:Decrypt", "arn:aws:kms:" + here + "key/1", "", ""},
		{"kms:Decrypt", "arn:aws:kms:" + here + "key/1", "kms:ViaService", "s3.eu-west-1.amazonaws.com"},
		{"iam:PassRole", "arn:aws:iam::" + ours + ":role/stack-A", "iam:PassedToService", "ec2.amazonaws.com"},
		{"iam:CreateRole", "arn:aws:iam::" + ours + ":role/another", "", ""},
		{"events:PutRule", "arn:aws:events:" + here + "rule/another", "", ""},
		{"events:PutEvents", "arn:aws:events:" + here + "event-bus/default", "", ""},
		{"lambda:UpdateFunctionCode", "arn:aws:lambda:" + here + "function:another", "", ""},
		{
			"lambda:UpdateEventSourceMapping", "arn:aws:lambda:" + here + "event-source-mapping:1-2-3",
			"lambda:FunctionArn", "arn:aws:lambda:" + here + "function:another",
		},
	} {
		assert.Check(t, !allowed(policy, r), "%+v is allowed", r)
	}
	for _, s := range policy {
		assert.Check(t, s.effect == "Allow" && len(s.condition) <= 1, "%+v: this test takes it for something else", s)
	}
	text, err := os.ReadFile(deployerPolicy)
	assert.NilError(t, err)
	n := len(strings.Join(strings.FieldsFunc(string(text), unicode.IsSpace), ""))
	assert.Check(t, n <= maxManagedPolicy, "%d characters, IAM takes %d in a managed policy", n, maxManagedPolicy)
}
