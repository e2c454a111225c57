package doctor

import (
	"context"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// queues checks the dead-letter queues.
func (s *stack) queues(ctx context.Context) []Finding {
	alarms, err := s.getAlarms(ctx)
	if err != nil {
		return []Finding{skipped("needs alarms, see there")}
	}
	var found []Finding
	names, waiting := 0, ""
	count := func(name string) int {
		n, trouble := s.messages(ctx, name)
		found = append(found, trouble...)
		return n
	}
	for _, dimension := range alarms[s.deadLettersAlarm()].Dimensions { // only AWS knows the queue's name
		if aws.ToString(dimension.Name) != "QueueName" {
			continue
		}
		names++
		name := aws.ToString(dimension.Value)
		if n := count(name); n > 0 { // no command: a receive would show refresh tokens, and a purge would lose records
			found = append(found, fail("%d messages lie in %s", n, name).
				mend("send the records again with the loop of docs/operations.md#dead-letters; "+
					"do not purge the queue: records are nowhere else"))
		}
	}
	for _, p := range s.providers {
		if !p.entry.Sweep || !p.hasQueue(ctx) {
			continue
		}
		names++
		queue := s.Name + "-" + p.entry.Name
		name := queue + "-dead-letters"
		if n := count(name); n > 0 { // the function could not use them
			found = append(found, fail("%d messages lie in %s", n, name).
				mend("mend the cause that the function's log names, then move them back: docs/operations.md#dead-letters",
					s.cli("sqs start-message-move-task --source-arn %s", s.arn("sqs", name))))
		}
		found = append(found, p.mapping(ctx)...)
		waiting += fmt.Sprintf("; %d messages wait in %s", count(queue), queue)
	}
	if names == 0 {
		return []Finding{skipped("the alarm %s is missing, which names the queue: see alarms", s.deadLettersAlarm())}
	}
	return orOK(found, "%s%s", map[bool]string{true: "the queue is empty", false: "the queues are empty"}[names == 1], waiting)
}

// hasQueue reports whether the function hands work over to a queue.
func (p *provider) hasQueue(ctx context.Context) bool { return p.getenv(ctx)("SWEEP_QUEUE_URL") != "" }

// messages counts the messages of a queue, those in flight included.
func (s *stack) messages(ctx context.Context, name string) (n int, trouble []Finding) {
	arn := s.arn("sqs", name)
	where, err := s.sqs.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
	if err != nil {
		return 0, s.trouble(err, "sqs:GetQueueUrl", arn,
			fail("the queue %s is gone: runs that fail are lost", name).mend(anew))
	}
	got, err := s.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: where.QueueUrl, AttributeNames: counts,
	})
	if err != nil {
		return 0, s.trouble(err, "sqs:GetQueueAttributes", arn)
	}
	for _, name := range counts {
		part, _ := strconv.Atoi(got.Attributes[string(name)])
		n += part
	}
	return n, nil
}

// counts are the attributes that together count a queue's messages.
var counts = []types.QueueAttributeName{
	types.QueueAttributeNameApproximateNumberOfMessages,
	types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
	types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
}

// mapping checks that the function takes the messages of its queue.
func (p *provider) mapping(ctx context.Context) []Finding {
	got, err := p.lambda.ListEventSourceMappings(ctx, &lambda.ListEventSourceMappingsInput{FunctionName: &p.function})
	if err != nil {
		return p.trouble(err, "lambda:ListEventSourceMappings", "*")
	}
	queue := path.Base(p.getenv(ctx)("SWEEP_QUEUE_URL"))
	for _, m := range got.EventSourceMappings {
		if !strings.HasSuffix(aws.ToString(m.EventSourceArn), ":"+queue) {
			continue
		}
		if state := aws.ToString(m.State); state == "Disabled" || state == "Disabling" {
			return []Finding{fail("%s takes nothing from the queue %s: its mapping is switched off", p.function, queue).
				mend("switch it on", p.cli("lambda update-event-source-mapping --uuid %s --enabled", aws.ToString(m.UUID)))}
		}
		return nil
	}
	return []Finding{fail("nothing takes the messages of the queue %s", queue).mend(anew)}
}
