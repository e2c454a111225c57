package template_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tokenrefresh/internal/template"
)

func TestAlarms(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, stack *template.Stack) {
		found := map[string]bool{}
		for _, id := range stack.Of("AWS::CloudWatch::Alarm") {
			p := stack.Resources[id].Properties
			if template.Get[string](p, "AlarmDescription") == "" ||
				!cmp.Equal(p["AlarmActions"], []any{"Alarms"}) || !cmp.Equal(p["OKActions"], []any{"Alarms"}) {
				t.Errorf("%s: description %q, actions %v and %v", id, p["AlarmDescription"], p["AlarmActions"], p["OKActions"])
			}
			dimensions := map[string]string{}
			for _, d := range template.Get[[]any](p, "Dimensions") {
				dimensions[template.Get[string](d.(template.Object), "Name")] = template.Get[string](d.(template.Object), "Value")
			}
			switch template.Get[string](p, "MetricName") {
			case "Errors":
				found[dimensions["FunctionName"]] = true
			case "AccessTokenExpiresIn":
				if len(dimensions) != 1 || template.Get[string](p, "TreatMissingData") != "breaching" {
					t.Errorf("%s: dimensions %v, missing data %v", id, dimensions, p["TreatMissingData"])
				}
				found[dimensions["provider"]] = true
			}
		}
		for _, function := range stack.Of(template.Function) {
			provider := template.Provider(function)
			tick := template.Get[template.Object](stack.Resources[function].Properties, "Events", "Tick", "Properties")
			if !found[function] {
				t.Errorf("%s: no alarm on errors", function)
			}
			// Without a schedule there is no data, and missing data is a breach.
			if scheduled := template.Get[string](tick, "State") == "ENABLED"; found[provider] != scheduled {
				t.Errorf("%s: scheduled %v, alarm on expiry %v", function, scheduled, found[provider])
			}
			environment := stack.Environment(function)
			for _, id := range stack.Of("AWS::CloudWatch::Alarm") {
				p := stack.Resources[id].Properties
				if p["MetricName"] == "AccessTokenExpiresIn" && p["Namespace"] != environment["METRICS_NAMESPACE"] {
					t.Errorf("%s watches %v, %s reports to %s", id, p["Namespace"], function, environment["METRICS_NAMESPACE"])
				}
			}
		}
	})
}

// A metric may come late: one period without it, or under the threshold, rings for
// nobody, two of three do. A period must hold a tick, or every other one has no data.
func TestExpiryAlarmForgivesOneGap(t *testing.T) {
	t.Parallel()
	loaded := load(t)
	for rate, period := range map[string]int{"rate(1 minute)": 60, "rate(2 minutes)": 120, "rate(5 minutes)": 300} {
		stack, err := loaded.Stack(map[string]string{"ScheduleRate": rate})
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range stack.Of("AWS::CloudWatch::Alarm") {
			p := stack.Resources[id].Properties
			if p["MetricName"] != "AccessTokenExpiresIn" {
				continue
			}
			got := []any{p["Period"], p["DatapointsToAlarm"], p["EvaluationPeriods"]}
			if diff := cmp.Diff([]any{period, 2, 3}, got); diff != "" {
				t.Errorf("%s at %s: period, datapoints, periods (-want +got):\n%s", id, rate, diff)
			}
		}
	}
}

// A credential that waits for a person fails at each tick. That is one alarm and one
// mail, although minutes without a tick lie between.
func TestErrorsAlarmOutlastsTheNextTick(t *testing.T) {
	t.Parallel()
	loaded := load(t)
	for rate, minutes := range map[string]int{"rate(1 minute)": 2, "rate(2 minutes)": 4, "rate(5 minutes)": 10} {
		stack, err := loaded.Stack(map[string]string{"ScheduleRate": rate})
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range stack.Of("AWS::CloudWatch::Alarm") {
			p := stack.Resources[id].Properties
			if p["MetricName"] != "Errors" {
				continue
			}
			got := []any{p["Period"], p["DatapointsToAlarm"], p["EvaluationPeriods"], p["TreatMissingData"]}
			if diff := cmp.Diff([]any{60, 1, minutes, "notBreaching"}, got); diff != "" {
				t.Errorf("%s at %s: period, datapoints, periods, missing data (-want +got):\n%s", id, rate, diff)
			}
		}
	}
}

func TestMail(t *testing.T) {
	t.Parallel()
	loaded := load(t)
	for address, want := range map[string]int{"": 0, "team@example.com": 1} {
		stack, err := loaded.Stack(map[string]string{"AlarmEmail": address})
		if err != nil {
			t.Fatal(err)
		}
		if got := len(stack.Of("AWS::SNS::Subscription")); got != want {
			t.Errorf("%q: %d subscriptions, want %d", address, got, want)
		}
	}
}
