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
	var found []Finding
	names, waiting := 0, ""
	alarms, err := s.getAlarms(ctx)
	if err != nil {
		return []Finding{skipped("needs alarms, see there")}
	}
	for _, dimension := range alarms[s.deadLettersAlarm()].Dimensions { // only AWS knows the queue's name
		if aws.ToString(dimension.Name) == "QueueName" {
			names++
			found = append(found, s.empty(ctx, aws.ToString(dimension.Value), s.sendAgain)...)
		}
	}
	for _, p := range s.providers {
		if p.entry.Sweep && p.hasQueue(ctx) {
			names++
			found = append(found, s.empty(ctx, s.Name+"-"+p.entry.Name+"-dead-letters", s.moveBack)...)
			found = append(found, p.mapping(ctx)...)
			n, _, trouble := s.messages(ctx, s.Name+"-"+p.entry.Name)
			found = append(found, trouble...)
			waiting += fmt.Sprintf("; %d messages wait in %s-%s", n, s.Name, p.entry.Name)
		}
	}
	if names == 0 {
		return []Finding{skipped("the alarm %s is missing, which names the queue: see alarms", s.deadLettersAlarm())}
	}
	return orOK(found, "%s%s", map[bool]string{true: "the queue is empty", false: "the queues are empty"}[names == 1], waiting)
}

// hasQueue reports whether the function hands work over to a queue.
func (p *provider) hasQueue(ctx context.Context) bool { return p.getenv(ctx)("SWEEP_QUEUE_URL") != "" }

// empty checks that a queue is empty; mend is what to do if it is not.
func (s *stack) empty(ctx context.Context, name string, mend func(Finding, string) Finding) []Finding {
	n, url, trouble := s.messages(ctx, name)
	if n > 0 {
		return []Finding{mend(fail("%d messages lie in %s", n, name), url)}
	}
	return trouble
}

// messages counts the messages of a queue, those in flight included.
func (s *stack) messages(ctx context.Context, name string) (n int, url string, trouble []Finding) {
	arn := s.arn("sqs", name)
	where, err := s.sqs.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
	if err != nil {
		return 0, "", s.trouble(err, "sqs:GetQueueUrl", arn,
			fail("the queue %s is gone: runs that fail are lost", name).mend(anew))
	}
	got, err := s.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: where.QueueUrl, AttributeNames: counts,
	})
	if err != nil {
		return 0, "", s.trouble(err, "sqs:GetQueueAttributes", arn)
	}
	for _, name := range counts {
		part, _ := strconv.Atoi(got.Attributes[string(name)])
		n += part
	}
	return n, aws.ToString(where.QueueUrl), nil
}

// counts are the attributes that together count a queue's messages.
var counts = []types.QueueAttributeName{
	types.QueueAttributeNameApproximateNumberOfMessages,
	types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
	types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
}

// sendAgain is for runs that failed: a later tick has done the work of a scheduled one. It has no
// command: a receive would show refresh tokens, and a purge would lose records.
func (s *stack) sendAgain(f Finding, _ string) Finding {
	return f.mend("send the records again with the loop of docs/operations.md#dead-letters; " +
		"do not purge the queue: records are nowhere else")
}

// moveBack is for messages that a function could not use. They are nowhere else.
func (s *stack) moveBack(f Finding, url string) Finding {
	return f.mend("mend the cause that the function's log names, then move them back: docs/operations.md#dead-letters",
		s.cli("sqs start-message-move-task --source-arn %s", s.arn("sqs", path.Base(url))))
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
