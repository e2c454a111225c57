// Package awsqueue keeps a sweep's queue in SQS. It is apart from awshome because only one function
// has a queue, and the others should not carry the client.
package awsqueue

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"tokenrefresh/pkg/sweep"
)

// maxBatch is how many messages SQS takes in one call.
const maxBatch = 10

// Queue is an SQS queue whose messages are events for the function that sweeps. Its
// errors name the queue and no transaction.
type Queue struct {
	client *sqs.Client
	url    string
}

var _ sweep.Queue = (*Queue)(nil)

// New makes the queue at that address.
func New(cfg aws.Config, url string) *Queue { return &Queue{sqs.NewFromConfig(cfg), url} }

// counts are the attributes that together count a queue's messages.
var counts = []types.QueueAttributeName{
	types.QueueAttributeNameApproximateNumberOfMessages,
	types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
}

// Waiting implements sweep.Queue with one call.
func (q *Queue) Waiting(ctx context.Context) (int, error) {
	out, err := q.client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &q.url, AttributeNames: counts})
	if err != nil {
		return 0, fmt.Errorf("count the messages of the queue %s: %w", q.url, err)
	}
	sum := 0
	for _, name := range counts {
		n, err := strconv.Atoi(out.Attributes[string(name)])
		if err != nil {
			return 0, fmt.Errorf("count the messages of the queue %s: %s is %q", q.url, name, out.Attributes[string(name)])
		}
		sum += n
	}
	return sum, nil
}

// list is a message's body, an event of the functions' public contract.
type list struct {
	Account        string  `json:"account"`
	TransactionIDs []int64 `json:"transaction_ids"`
}

// Send implements sweep.Queue with a call for ten messages, and one more for those of
// them that SQS did not take. The error is the first.
func (q *Queue) Send(ctx context.Context, account string, lists [][]int64) (unsent []int, err error) {
	entries := make([]types.SendMessageBatchRequestEntry, len(lists))
	for i, ids := range lists {
		body, _ := json.Marshal(list{account, ids}) // a name and numbers: it cannot fail
		entries[i] = types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), MessageBody: aws.String(string(body))}
	}
	for batch := range slices.Chunk(entries, maxBatch) {
		left, batchErr := q.send(ctx, batch)
		if err == nil {
			err = batchErr
		}
		for _, entry := range left {
			i, _ := strconv.Atoi(*entry.Id)
			unsent = append(unsent, i)
		}
	}
	return unsent, err
}

// send sends up to ten messages and returns those that SQS has not confirmed.
func (q *Queue) send(
	ctx context.Context, left []types.SendMessageBatchRequestEntry,
) ([]types.SendMessageBatchRequestEntry, error) {
	var refusal types.BatchResultErrorEntry
	for range 2 {
		out, err := q.client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &q.url, Entries: left})
		if err != nil {
			return left, fmt.Errorf("send to the queue %s: %w", q.url, err)
		}
		taken := map[string]bool{}
		for _, entry := range out.Successful {
			taken[aws.ToString(entry.Id)] = true
		}
		left = slices.DeleteFunc(slices.Clone(left), func(e types.SendMessageBatchRequestEntry) bool { return taken[*e.Id] })
		if len(left) == 0 {
			return nil, nil
		}
		if len(out.Failed) > 0 {
			refusal = out.Failed[0]
		}
	}
	return left, fmt.Errorf("send to the queue %s: %d messages refused: %s: %s",
		q.url, len(left), aws.ToString(refusal.Code), aws.ToString(refusal.Message))
}
