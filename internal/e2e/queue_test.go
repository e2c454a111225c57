package e2e_test

import (
	"encoding/json"
	"slices"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"gotest.tools/v3/assert"
)

// mapping plays the event source mapping between the stack's queue and its function.
type mapping struct {
	sqs   *sqs.Client
	queue string
	f     *function
}

func (w *world) mapping(t *testing.T, f *function) *mapping {
	t.Helper()
	w.stack.StopMappings(t)
	return &mapping{w.aws.SQS, w.stack.Outputs["BerbixQueue"], f}
}

// send sends a message, as a team's service does, and returns its id.
func (m *mapping) send(t *testing.T, body string) string {
	t.Helper()
	out, err := m.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &m.queue, MessageBody: &body})
	assert.NilError(t, err)
	return *out.MessageId
}

// deliver takes up to ten messages, invokes the function with them, and deletes those
// that it does not name as failed. It returns the event, for another delivery.
func (m *mapping) deliver(t *testing.T, messages int, outcomes map[string]int) (event string, failed []string) {
	t.Helper()
	received, err := m.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &m.queue, MaxNumberOfMessages: 10})
	assert.Assert(t, err == nil && len(received.Messages) == messages,
		"%d messages, want %d: %v", len(received.Messages), messages, err)
	var records []map[string]string
	for _, message := range received.Messages {
		records = append(records, map[string]string{
			"messageId": *message.MessageId, "receiptHandle": *message.ReceiptHandle, "body": *message.Body, "eventSource": "aws:sqs",
		})
	}
	text, err := json.Marshal(map[string]any{"Records": records})
	assert.NilError(t, err)
	r := m.f.wantCounts(t, string(text), outcomes)
	assert.Assert(t, r.BatchItemFailures != nil, "no batchItemFailures: Lambda would take all for failed")
	for _, item := range *r.BatchItemFailures {
		failed = append(failed, item.ItemIdentifier)
	}
	for _, message := range received.Messages {
		if slices.Contains(failed, *message.MessageId) {
			continue
		}
		_, err := m.sqs.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &m.queue, ReceiptHandle: message.ReceiptHandle})
		assert.NilError(t, err)
	}
	return string(text), failed
}

// inQueue is how many messages there are, those included that were taken and not deleted.
func (m *mapping) inQueue(t *testing.T) (n int) {
	t.Helper()
	out, err := m.sqs.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &m.queue, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	assert.NilError(t, err)
	for _, name := range []string{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"} {
		part, err := strconv.Atoi(out.Attributes[name])
		assert.NilError(t, err)
		n += part
	}
	return n
}
