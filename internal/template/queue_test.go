package template_test

import (
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/template"
)

const queueType = "AWS::SQS::Queue"

// A team that one run a minute is enough for pays for no queue, and nobody polls one.
func TestNoQueueUnasked(t *testing.T) {
	t.Parallel()
	stack := with(t, nil)
	queues := stack.Of(queueType)
	assert.Check(t, slices.Equal(queues, []string{"DeadLetters"}), "queues: %v", queues)
	found := stack.Of("AWS::Lambda::EventSourceMapping")
	assert.Check(t, len(found) == 0, "there is %v", found)
	url := stack.Environment("RefreshBerbix")["SWEEP_QUEUE_URL"]
	assert.Check(t, url == "", "the function hands over to %q", url)
	url, ok := stack.Outputs["BerbixQueue"]
	assert.Check(t, !ok, "there is an output %q", url)
}

func TestQueueConcurrency(t *testing.T) {
	t.Parallel()
	pattern := regexp.MustCompile(load(t).Parameters["BerbixQueueConcurrency"].AllowedPattern)
	for value, want := range map[string]bool{
		"0": true, "2": true, "9": true, "10": true, "999": true, "1000": true,
		"": false, "1": false, "00": false, "02": false, "1001": false, "9999": false, "-2": false, "2 ": false,
	} {
		assert.Check(t, is.Equal(pattern.MatchString(value), want), "%q is taken", value)
	}
}

// Lambda wants messages to stay hidden for six times as long as a run may take.
func TestQueueSuitsEveryTimeout(t *testing.T) {
	t.Parallel()
	for _, timeout := range load(t).Parameters["Timeout"].AllowedValues {
		stack := with(t, map[string]string{"BerbixQueueConcurrency": "10", "Timeout": timeout})
		seconds, err := strconv.Atoi(timeout)
		got := template.Get[int](stack.Resources["BerbixQueue"].Properties, "VisibilityTimeout")
		assert.Check(t, err == nil && got >= 6*seconds, "%s: messages are hidden for %d s", timeout, got)
		for _, function := range stack.Of(template.Function) {
			got := template.Get[string](stack.Resources[function].Properties, "Timeout")
			assert.Check(t, got == timeout, "%s may take %s s, want %s", function, got, timeout)
		}
	}
}

func TestQueue(t *testing.T) {
	t.Parallel()
	stack := with(t, map[string]string{"BerbixQueueConcurrency": "10", "BerbixHandOverAbove": "500"})
	for id, want := range map[string]template.Object{
		"BerbixQueue": {
			"QueueName": "stack-berbix", "SqsManagedSseEnabled": true, "MessageRetentionPeriod": 14 * 24 * 60 * 60,
			"VisibilityTimeout": 6 * 90, "MaximumMessageSize": 1 << 20,
			"RedrivePolicy": template.Object{"deadLetterTargetArn": "BerbixQueueDeadLetters.Arn", "maxReceiveCount": 5},
		},
		"BerbixQueueDeadLetters": {
			"QueueName": "stack-berbix-dead-letters", "SqsManagedSseEnabled": true, "MessageRetentionPeriod": 14 * 24 * 60 * 60,
			"MaximumMessageSize": 1 << 20,
			"RedriveAllowPolicy": template.Object{
				"redrivePermission": "byQueue", "sourceQueueArns": []any{"arn:aws:sqs:eu-west-1:123456789012:stack-berbix"},
			},
		},
		"BerbixQueueMapping": {
			"FunctionName": "RefreshBerbix", "EventSourceArn": "BerbixQueue.Arn", "BatchSize": 10,
			"FunctionResponseTypes": []any{"ReportBatchItemFailures"}, // else one bad message fails nine good ones
			"ScalingConfig":         template.Object{"MaximumConcurrency": "10"},
		},
	} {
		assert.Check(t, is.DeepEqual(stack.Resources[id].Properties, want), "%s", id)
	}
	environment := stack.Environment("RefreshBerbix")
	got := []string{environment["SWEEP_QUEUE_URL"], environment["SWEEP_HAND_OVER_ABOVE"]}
	assert.Check(t, slices.Equal(got, []string{"BerbixQueue", "500"}), "queue and threshold: %q", got)
	assert.Check(t, is.Equal(stack.Outputs["BerbixQueue"], "BerbixQueue"), "output")
}

// Lambda looks at the role when it makes the mapping, and a permission takes a while to be
// known everywhere: the role has it before there is a queue.
func TestRoleMayUseTheQueueBeforeThereIsOne(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, stack *template.Stack) {
		var got []statement
		for _, s := range statements(stack.Resources["RefreshBerbixRole"]) {
			if s.about("sqs") {
				got = append(got, s)
			}
		}
		want := []statement{{
			effect:    "Allow",
			actions:   []string{"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:SendMessage"},
			resources: []string{"arn:aws:sqs:eu-west-1:123456789012:stack-berbix"},
		}}
		assert.Check(t, is.DeepEqual(got, want, cmp.AllowUnexported(statement{})))
		if name := template.Get[string](stack.Resources["BerbixQueue"].Properties, "QueueName"); name != "" && name != "stack-berbix" {
			t.Errorf("the queue is %s", name)
		}
	})
}

// Messages carry refresh tokens: encrypted where they lie, and on their way.
func TestQueuesAreEncrypted(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, stack *template.Stack) {
		denied := map[string]bool{}
		for _, id := range stack.Of("AWS::SQS::QueuePolicy") {
			properties := stack.Resources[id].Properties
			for _, s := range statements(stack.Resources[id]) {
				overTLS := template.Get[string](s.condition, "Bool", "aws:SecureTransport")
				if s.effect == "Deny" && overTLS == "false" && slices.Contains(s.actions, "sqs:SendMessage") {
					for _, queue := range template.Get[[]any](properties, "Queues") {
						denied[queue.(string)] = slices.Equal(s.resources, []string{queue.(string) + ".Arn"})
					}
				}
			}
		}
		for _, id := range stack.Of(queueType) {
			if !template.Get[bool](stack.Resources[id].Properties, "SqsManagedSseEnabled") || !denied[id] {
				t.Errorf("%s: encrypted at rest %v, refused in clear text %t", id, stack.Resources[id].Properties, denied[id])
			}
		}
	})
}
