package doctor

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
)

// topic checks that somebody gets the alarms.
func (s *stack) topic(ctx context.Context) []Finding {
	topics, err := s.getTopics(ctx)
	switch {
	case err != nil:
		return []Finding{skipped("needs alarms, see there")}
	case len(topics) == 0:
		return []Finding{skipped("no alarm names a topic: see alarms")}
	}
	var found []Finding
	for _, topic := range topics {
		found = append(found, s.heard(ctx, topic))
	}
	return found
}

// heard checks the subscriptions of a topic.
func (s *stack) heard(ctx context.Context, topic string) Finding {
	name := topic[strings.LastIndex(topic, ":")+1:]
	var confirmed, pending []string
	pages := sns.NewListSubscriptionsByTopicPaginator(s.sns, &sns.ListSubscriptionsByTopicInput{TopicArn: &topic})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if _, missing := errors.AsType[*types.NotFoundException](err); missing {
			return fail("the topic %s is gone: nobody hears the alarms", name).mend(anew)
		}
		if err != nil {
			return s.trouble(err, "sns:ListSubscriptionsByTopic", topic)
		}
		for _, subscription := range page.Subscriptions {
			who := aws.ToString(subscription.Protocol) + " " + aws.ToString(subscription.Endpoint)
			switch arn := aws.ToString(subscription.SubscriptionArn); {
			case strings.HasPrefix(arn, "arn:"):
				confirmed = append(confirmed, who)
			case arn == "PendingConfirmation":
				pending = append(pending, who)
			}
		}
	}
	subscribe := s.cli("sns subscribe --topic-arn %s --protocol email --notification-endpoint ", topic)
	switch {
	case len(pending) > 0:
		f := fail("%s has not confirmed its subscription to the alarms of %s", strings.Join(pending, ", "), name)
		if len(confirmed) > 0 {
			f.Verdict = Warn
		}
		_, address, _ := strings.Cut(pending[0], " ")
		return f.mend(`open the mail "AWS Notification - Subscription Confirmation" and follow its link; this sends it again`,
			subscribe+address)
	case len(confirmed) == 0:
		return fail("nobody has subscribed to %s: nobody hears the alarms", name).mend(
			"deploy with AlarmEmail, or subscribe; then follow the link in the mail that comes", subscribe+"team@example.com")
	}
	return ok("%s: %s", name, strings.Join(confirmed, ", "))
}
