package doctor

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"tokenrefresh/internal/operator/seed"
)

// The alarms of a provider, without its function's name.
var (
	refreshAlarms = []string{
		"expiry", "breaks-soon", "dead-or-uncertain", "misconfigured", "persist-failed", "versions", "throttles",
	}
	sweepAlarms = []string{"expiry", "breaks-soon", "misconfigured", "persist-failed", "backlog", "dead-transactions", "throttles"}
	// lambdaAlarms exist even if the provider is switched off, for runs by hand.
	lambdaAlarms = []string{"errors", "dropped", "letters-lost"}
	// queueAlarm exists if a sweep has a queue.
	queueAlarm = "dead-letters"
)

// alarmNames are the names of a function's alarms. off: its provider is; queue: it has one.
func alarmNames(function string, sweep, off, queue bool) []string {
	ends := slices.Clone(lambdaAlarms)
	switch {
	case off:
	case sweep:
		ends = slices.Concat(sweepAlarms, ends)
	default:
		ends = slices.Concat(refreshAlarms, ends)
	}
	if queue {
		ends = append(ends, queueAlarm)
	}
	for i, end := range ends {
		ends[i] = function + "-" + end
	}
	return ends
}

// deadLettersAlarm is the alarm on the queue that all functions share.
func (s *stack) deadLettersAlarm() string { return s.Name + "-dead-letters" }

// getAlarms are the stack's alarms by their names.
func (s *stack) getAlarms(ctx context.Context) (map[string]types.MetricAlarm, error) {
	return s.rings.get(func() (map[string]types.MetricAlarm, error) {
		all := map[string]types.MetricAlarm{}
		stem := s.Name + "-"
		pages := cloudwatch.NewDescribeAlarmsPaginator(s.watch, &cloudwatch.DescribeAlarmsInput{AlarmNamePrefix: &stem})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, err
			}
			for _, alarm := range page.MetricAlarms {
				all[aws.ToString(alarm.AlarmName)] = alarm
			}
		}
		return all, nil
	})
}

// alarms checks that all alarms exist, would be heard, and are silent.
func (s *stack) alarms(ctx context.Context) []Finding {
	got, err := s.getAlarms(ctx)
	if err != nil {
		return s.trouble(err, "cloudwatch:DescribeAlarms", s.arn("cloudwatch", "alarm:*"))
	}
	names := []string{s.deadLettersAlarm()}
	for _, p := range s.providers {
		if off := p.off(ctx); !off || !p.entry.OwnAccounts {
			names = append(names, alarmNames(p.function, p.entry.Sweep, off, p.hasQueue(ctx))...)
		}
	}
	var missing, off, mute []string
	var found []Finding
	for _, name := range names {
		alarm, there := got[name]
		switch {
		case !there:
			missing = append(missing, name)
		case !aws.ToBool(alarm.ActionsEnabled):
			off = append(off, name)
		case len(alarm.AlarmActions) == 0:
			mute = append(mute, name)
		}
		if alarm.StateValue == types.StateValueAlarm {
			found = append(found, fail("%s rings: %s", name, aws.ToString(alarm.StateReason)).
				mend("see docs/operations.md#"+s.section(name)))
		}
	}
	if len(missing) == len(names) {
		return []Finding{fail("the stack %s has no alarms in %s: nobody hears of trouble", s.Name, s.Config.Region).
			mend("name the right stack with --stack and --region; if they were deleted, " + anew)}
	}
	if len(missing) > 0 {
		found = append(found, fail("alarms are missing: %s", some(missing)).mend("if it was deleted, "+anew))
	}
	if len(off) > 0 {
		found = append(found, fail("nobody hears these alarms, their actions are switched off: %s", some(off)).mend("switch them on",
			s.cli("cloudwatch enable-alarm-actions --alarm-names %s", strings.Join(off, " "))))
	}
	if len(mute) > 0 {
		found = append(found, fail("nobody hears these alarms, no action is set: %s", some(mute)).
			mend("let them notify the stack's topic, on AWS's console; it is the output Alarms of the stack"))
	}
	return orOK(found, "%d alarms are on, and none rings", len(names))
}

// some lists names; of many, the first ones.
func some(names []string) string { return strings.Join(seed.ShownAll(names), ", ") }

// section is an alarm's section of the run book.
func (s *stack) section(alarm string) string {
	_, end, _ := strings.Cut(strings.TrimPrefix(alarm, s.Name+"-refresh-"), "-")
	if alarm == s.deadLettersAlarm() {
		end = queueAlarm
	}
	return end
}

// topics checks that somebody gets the alarms: those of each SNS topic that they notify.
func (s *stack) topics(ctx context.Context) []Finding {
	alarms, err := s.getAlarms(ctx)
	if err != nil {
		return []Finding{skipped("needs alarms, see there")}
	}
	var topics []string
	for _, alarm := range alarms {
		for _, action := range alarm.AlarmActions {
			if strings.Contains(action, ":sns:") {
				topics = append(topics, action)
			}
		}
	}
	if len(topics) == 0 {
		return []Finding{skipped("no alarm names a topic: see alarms")}
	}
	var found []Finding
	for _, topic := range unique(topics) {
		found = append(found, s.heard(ctx, topic)...)
	}
	return found
}

// heard checks the subscriptions of a topic.
func (s *stack) heard(ctx context.Context, topic string) []Finding {
	name := topic[strings.LastIndex(topic, ":")+1:]
	var confirmed, pending []string
	pages := sns.NewListSubscriptionsByTopicPaginator(s.sns, &sns.ListSubscriptionsByTopicInput{TopicArn: &topic})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return s.trouble(err, "sns:ListSubscriptionsByTopic", topic,
				fail("the topic %s is gone: nobody hears the alarms", name).mend(anew))
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
	if len(pending) > 0 {
		f := fail("%s has not confirmed its subscription to the alarms of %s", strings.Join(pending, ", "), name)
		if len(confirmed) > 0 {
			f.Verdict = Warn
		}
		_, address, _ := strings.Cut(pending[0], " ")
		return []Finding{f.mend(`open the mail "AWS Notification - Subscription Confirmation" and follow its link; this sends it again`,
			subscribe+address)}
	}
	if len(confirmed) == 0 {
		return []Finding{fail("nobody has subscribed to %s: nobody hears the alarms", name).mend(
			"deploy with AlarmEmail, or subscribe; then follow the link in the mail that comes", subscribe+"team@example.com")}
	}
	return []Finding{ok("%s: %s", name, strings.Join(confirmed, ", "))}
}

// dashboard checks that the dashboard exists.
func (s *stack) dashboard(ctx context.Context) []Finding {
	name := s.Name + "-" + s.Config.Region
	arn := strings.Replace(s.arn("cloudwatch", "dashboard/"+name), ":"+s.Config.Region+":", "::", 1) // they are of all regions
	if _, err := s.watch.GetDashboard(ctx, &cloudwatch.GetDashboardInput{DashboardName: &name}); err != nil {
		return s.trouble(err, "cloudwatch:GetDashboard", arn,
			warn("there is no dashboard %s", name).mend("nothing depends on it; deploying the stack again brings it back"))
	}
	return []Finding{ok("%s", name)}
}
