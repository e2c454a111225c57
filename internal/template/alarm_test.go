package template_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/template"
)

const metricsNamespace = "TokenRefresh"

// told are the metrics that a provider's function tells, as pkg/handler makes them.
func told(provider string) []string {
	entry, _ := catalog.Find(provider)
	all := []string{"AccessTokenExpiresIn", "AttemptsLeft", "ClockSkew", "Failures", "Misconfigured", "PersistFailed", "ProviderLatency", "Rotations"}
	switch {
	case entry.Sweep:
		all = append(all, "DeadTransactions", "SweepBacklog")
	case entry.RefreshExpiry:
		all = append(all, "DeadOrUncertain", "Left", "RefreshTokenExpiresIn", "SecretVersions")
	default:
		all = append(all, "DeadOrUncertain", "Left", "SecretVersions")
	}
	slices.Sort(all)
	return all
}

// scheduled reports whether a function's schedule is on.
func scheduled(stack *template.Stack, function string) bool {
	tick := template.Get[template.Object](stack.Resources[function].Properties, "Events", "Tick", "Properties")
	return template.Get[string](tick, "State") == "ENABLED"
}

// watch is what an alarm looks at, and when it rings.
type watch struct {
	Metric, Of, Statistic, When string
	Threshold                   any
	Missing                     string
}

func watchOf(t *testing.T, p template.Object) watch {
	t.Helper()
	dimensions := template.Get[[]any](p, "Dimensions")
	assert.Assert(t, len(dimensions) == 1, "dimensions %v", dimensions)
	return watch{
		Metric:    template.Get[string](p, "Namespace") + " " + template.Get[string](p, "MetricName"),
		Of:        template.Get[string](dimensions[0].(template.Object), "Value"),
		Statistic: template.Get[string](p, "Statistic"), When: template.Get[string](p, "ComparisonOperator"),
		Threshold: p["Threshold"], Missing: template.Get[string](p, "TreatMissingData"),
	}
}

// lost is the metric of events that Lambda could not put where its function's failed ones go.
func lost(stack *template.Stack, function string) string {
	p := stack.Resources[function].Properties
	if template.Get[string](p, "DeadLetterQueue", "TargetArn") != "" {
		return "AWS/Lambda DeadLetterErrors"
	}
	return "AWS/Lambda DestinationDeliveryFailures"
}

// watches are the alarms of a provider. Those on what Lambda counts do not need its schedule:
// it may be invoked by others too. For the rest there is no data without one, and missing
// data is a breach.
func watches(stack *template.Stack, function string) map[string]watch {
	const less, more, least = "LessThanThreshold", "GreaterThanThreshold", "GreaterThanOrEqualToThreshold"
	provider, id := template.Provider(function), strings.TrimPrefix(function, "Refresh")
	all := map[string]watch{
		id + "Errors":      {"AWS/Lambda Errors", function, "Sum", more, 0, "notBreaching"},
		id + "Dropped":     {"AWS/Lambda AsyncEventsDropped", function, "Sum", more, 0, "notBreaching"},
		id + "LettersLost": {lost(stack, function), function, "Sum", more, 0, "notBreaching"},
	}
	if !scheduled(stack, function) {
		return all
	}
	entry, err := catalog.Find(provider)
	if err != nil {
		panic(err)
	}
	expiry := strconv.Itoa(entry.ExpiryAlarm.Default)
	all[id+"Expiry"] = watch{"TokenRefresh AccessTokenExpiresIn", provider, "Minimum", less, expiry, "breaching"}
	all[id+"BreaksSoon"] = watch{"TokenRefresh AttemptsLeft", provider, "Minimum", less, "2", "notBreaching"}
	all[id+"Misconfigured"] = watch{"TokenRefresh Misconfigured", provider, "Maximum", more, 0, "notBreaching"}
	all[id+"PersistFailed"] = watch{"TokenRefresh PersistFailed", provider, "Maximum", more, 0, "notBreaching"}
	all[id+"Throttles"] = watch{"AWS/Lambda Throttles", function, "Sum", more, 0, "notBreaching"}
	if entry.Sweep {
		all[id+"DeadTransactions"] = watch{"TokenRefresh DeadTransactions", provider, "Sum", least, "1", "notBreaching"}
		all[id+"Backlog"] = watch{"TokenRefresh SweepBacklogAge", provider, "Maximum", more, 300, "notBreaching"}
		return all
	}
	all[id+"Dead"] = watch{"TokenRefresh DeadOrUncertain", provider, "Maximum", more, 0, "notBreaching"}
	all[id+"Versions"] = watch{"TokenRefresh SecretVersions", provider, "Maximum", least, 134, "notBreaching"}
	return all
}

func TestAlarms(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, stack *template.Stack) {
		want := map[string]watch{
			"DeadLettersAlarm": {
				"AWS/SQS ApproximateNumberOfMessagesVisible", "DeadLetters.QueueName", "Maximum", "GreaterThanThreshold", 0, "ignore",
			},
		}
		for _, function := range stack.Of(template.Function) {
			for id, w := range watches(stack, function) {
				want[id] = w
			}
			reports := stack.Environment(function)["METRICS_NAMESPACE"]
			assert.Check(t, reports == metricsNamespace, "%s reports to %s", function, reports)
		}
		for _, entry := range catalog.All() {
			if queue := entry.Title + "QueueDeadLetters"; stack.Resources[queue].Type != "" {
				want[entry.Title+"DeadLetters"] = watch{
					"AWS/SQS ApproximateNumberOfMessagesVisible", queue + ".QueueName", "Maximum", "GreaterThanThreshold", 0, "notBreaching",
				}
			}
		}
		got, names := map[string]watch{}, map[string]bool{}
		for _, id := range stack.Of("AWS::CloudWatch::Alarm") {
			p := stack.Resources[id].Properties
			got[id] = watchOf(t, p)
			if !cmp.Equal(p["AlarmActions"], []any{"Alarms"}) || !cmp.Equal(p["OKActions"], []any{"Alarms"}) {
				t.Errorf("%s: actions %v and %v", id, p["AlarmActions"], p["OKActions"])
			}
			name, text := template.Get[string](p, "AlarmName"), template.Get[string](p, "AlarmDescription")
			_, section, _ := strings.Cut(text, "docs/operations.md#")
			assert.Check(t, strings.HasSuffix(name, "-"+section) && section != "" && len(text) <= 1024 && !names[name],
				"%s: name %q, %d characters that refer to the section %q", id, name, len(text), section)
			names[name] = true
		}
		assert.Check(t, is.DeepEqual(got, want))
	})
}

// timing is when an alarm rings and ends.
type timing struct{ Period, Datapoints, Periods any }

func timingOf(p template.Object) timing {
	return timing{p["Period"], p["DatapointsToAlarm"], p["EvaluationPeriods"]}
}

// A period must hold a tick, or every other one has no data. A metric may come late: one
// period without it rings for nobody. A credential that waits for a
// person fails at each tick: that is one alarm and one mail, although minutes without a
// tick lie between.
func TestAlarmsFollowTheSchedule(t *testing.T) {
	t.Parallel()
	for rate, minutes := range map[string]int{"rate(1 minute)": 1, "rate(2 minutes)": 2, "rate(5 minutes)": 5} {
		stack := with(t, map[string]string{"ScheduleRate": rate})
		twoTicks := timing{60, 1, 2 * minutes}
		want := map[string]timing{
			"AccessTokenExpiresIn":               {60 * minutes, 2, 3},
			"AttemptsLeft":                       {60 * minutes, 1, 3},
			"DeadOrUncertain":                    twoTicks,
			"Misconfigured":                      twoTicks,
			"PersistFailed":                      twoTicks,
			"Errors":                             twoTicks,
			"AsyncEventsDropped":                 twoTicks,
			"DeadLetterErrors":                   {300, 1, 1},
			"DestinationDeliveryFailures":        {300, 1, 1},
			"SecretVersions":                     {900, 1, 4},
			"DeadTransactions":                   {300, 1, 1},
			"SweepBacklogAge":                    {60 * minutes, 2, 3},
			"Throttles":                          {60 * minutes, 2, 5},
			"ApproximateNumberOfMessagesVisible": {300, 1, 1},
		}
		for _, id := range stack.Of("AWS::CloudWatch::Alarm") {
			p := stack.Resources[id].Properties
			assert.Check(t, is.DeepEqual(timingOf(p), want[template.Get[string](p, "MetricName")]), "%s at %s", id, rate)
		}
	}
}

func TestMail(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]int{"": 0, "team@example.com": 1} {
		stack := with(t, map[string]string{"AlarmEmail": address})
		assert.Check(t, is.Equal(len(stack.Of("AWS::SNS::Subscription")), want), "%q", address)
	}
}
