package template_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/template"
)

// widget is one of the dashboard's, as far as it is checked.
type widget struct {
	Type          string
	Width, Height int
	Properties    struct {
		Title, Region, Query string
		Alarms               []string
		Metrics              [][]any
	}
}

// The dashboard shows every alarm, and nothing of a provider that is switched off; what it draws is
// what the functions tell.
func TestDashboard(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, stack *template.Stack) {
		var body struct{ Widgets []widget }
		text := template.Get[string](stack.Resources["Dashboard"].Properties, "DashboardBody")
		err := json.Unmarshal([]byte(text), &body)
		assert.Assert(t, err == nil, "%v in\n%s", err, text)
		shown, drawn := []string{}, map[string][]string{}
		for _, w := range body.Widgets {
			assert.Check(t, w.Width >= 1 && w.Width <= 24 && w.Height >= 1,
				"%q is %d × %d", w.Properties.Title, w.Width, w.Height)
			if (w.Type == "metric" || w.Type == "log") && w.Properties.Region != "eu-west-1" {
				t.Errorf("%q is of the region %q", w.Properties.Title, w.Properties.Region)
			}
			for _, arn := range w.Properties.Alarms {
				name, ours := strings.CutPrefix(arn, "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:")
				assert.Check(t, ours, "alarm %s", arn)
				shown = append(shown, name)
			}
			for _, m := range w.Properties.Metrics {
				namespace, isMetric := m[0].(string)
				if isMetric && namespace == metricsNamespace {
					drawn[m[3].(string)] = append(drawn[m[3].(string)], m[1].(string))
				}
			}
			if w.Type == "log" {
				checkQuery(t, stack, w.Properties.Query)
			}
		}
		var alarms []string
		for _, id := range stack.Of("AWS::CloudWatch::Alarm") {
			alarms = append(alarms, template.Get[string](stack.Resources[id].Properties, "AlarmName"))
		}
		slices.Sort(alarms)
		slices.Sort(shown)
		assert.Check(t, is.DeepEqual(shown, alarms), "alarms")
		for _, function := range stack.Of(template.Function) {
			provider := template.Provider(function)
			var want []string
			if scheduled(stack, function) {
				want = told(provider)
			}
			slices.Sort(drawn[provider])
			assert.Check(t, is.DeepEqual(slices.Compact(drawn[provider]), want), "metrics of %s", provider)
		}
	})
}

// checkQuery: the logs that are searched are those of all functions.
func checkQuery(t *testing.T, stack *template.Stack, query string) {
	t.Helper()
	for _, function := range stack.Of(template.Function) {
		assert.Check(t, strings.Contains(query, "SOURCE '"+function+"Logs'"),
			"the log of %s is not searched: %s", function, query)
	}
}

// The console has an address of its own in each partition.
func TestLinkToTheDashboard(t *testing.T) {
	t.Parallel()
	for partition, want := range map[string]string{
		"aws":        "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#dashboards:name=Dashboard",
		"aws-cn":     "https://eu-west-1.console.amazonaws.cn/cloudwatch/home?region=eu-west-1#dashboards:name=Dashboard",
		"aws-us-gov": "https://eu-west-1.console.amazonaws-us-gov.com/cloudwatch/home?region=eu-west-1#dashboards:name=Dashboard",
	} {
		got := with(t, map[string]string{"AWS::Partition": partition}).Outputs["Dashboard"]
		assert.Check(t, got == want, "%s: %s", partition, got)
	}
}
