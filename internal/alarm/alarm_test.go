package alarm_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/alarm"
	"tokenrefresh/internal/template"
)

// define makes one alarm that rings below 10 where m of n periods say so.
func define(t *testing.T, m, n int, missing string, edits template.Object) alarm.Alarm {
	t.Helper()
	all, err := alarm.All(stack(m, n, missing, edits))
	assert.Assert(t, err == nil && len(all) == 1, "%d alarms, %v", len(all), err)
	return all[0]
}

func stack(m, n int, missing string, edits template.Object) *template.Stack {
	p := template.Object{
		"AlarmName": "name", "Namespace": "Space", "MetricName": "Left", "Statistic": "Minimum", "Period": 60,
		"EvaluationPeriods": n, "DatapointsToAlarm": m, "ComparisonOperator": "LessThanThreshold", "Threshold": "10",
		"TreatMissingData": missing, "Dimensions": []any{template.Object{"Name": "provider", "Value": "hesabe"}},
	}
	for key, value := range edits {
		p[key] = value
	}
	return &template.Stack{Resources: map[string]template.Resource{"One": {Type: "AWS::CloudWatch::Alarm", Properties: p}}}
}

var midnight = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

func sample(minute int, value float64) alarm.Sample {
	return alarm.Sample{
		At: midnight.Add(time.Duration(minute)*time.Minute + 10*time.Second), Namespace: "Space", Metric: "Left",
		Dimensions: map[string]string{"provider": "hesabe"}, Value: value,
	}
}

// The history is one sign a minute: 0 is well, X breaches, - is missing. The alarm is
// asked at its end.
func TestRings(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		m, n    int
		missing string
		history string
		before  bool
		want    bool
	}{
		{2, 3, "breaching", "000000", false, false},
		{2, 3, "breaching", "00000X", false, false},
		{2, 3, "breaching", "0000XX", false, true},
		{2, 3, "breaching", "000X0X", false, true},
		{2, 3, "breaching", "00X00X", false, false},
		{2, 3, "breaching", "00000-", false, false}, // one gap
		{2, 3, "breaching", "0000X-", false, false}, // there are enough data beside it
		{2, 3, "breaching", "000---", false, false}, // one is filled in
		{2, 3, "breaching", "00----", false, true},  // two are: the function is silent
		{2, 3, "breaching", "------", false, true},
		{2, 3, "breaching", "---000", true, false},
		{1, 3, "notBreaching", "00000X", false, true},
		{1, 3, "notBreaching", "000X00", false, true},
		{1, 3, "notBreaching", "00X000", true, false},
		{1, 3, "notBreaching", "------", true, false},
		{1, 2, "notBreaching", "XX----", true, false}, // what is told only while it lasts ends
		{1, 2, "notBreaching", "XXX---", true, true},
		{1, 1, "ignore", "X-----", true, true},
		{1, 1, "ignore", "X-----", false, false},
		{1, 1, "ignore", "XXX0--", true, false},
		{1, 1, "ignore", "000X--", false, true},
	} {
		a := define(t, tt.m, tt.n, tt.missing, nil)
		var samples []alarm.Sample
		for minute, sign := range tt.history {
			switch sign {
			case '0':
				samples = append(samples, sample(minute, 10))
			case 'X':
				samples = append(samples, sample(minute, 9), sample(minute, 11))
			}
		}
		at := midnight.Add(time.Duration(len(tt.history)) * time.Minute)
		got := a.Rings(samples, at, tt.before)
		assert.Check(t, got == tt.want, "%d of %d, missing data %s, %s: %t", tt.m, tt.n, tt.missing, tt.history, got)
	}
}

func TestStatisticsAndComparisons(t *testing.T) {
	t.Parallel()
	samples := []alarm.Sample{sample(0, 4), sample(0, 6)}
	for _, tt := range []struct {
		statistic, comparison string
		threshold             any
		want                  bool
	}{
		{"Sum", "GreaterThanThreshold", 9.5, true},
		{"Sum", "GreaterThanThreshold", 10, false},
		{"Sum", "GreaterThanOrEqualToThreshold", 10, true},
		{"Maximum", "GreaterThanThreshold", 6, false},
		{"Maximum", "GreaterThanThreshold", 5, true},
		{"Minimum", "LessThanThreshold", "5", true},
		{"Minimum", "LessThanThreshold", 4, false},
	} {
		a := define(t, 1, 1, "notBreaching", template.Object{
			"Statistic": tt.statistic, "ComparisonOperator": tt.comparison, "Threshold": tt.threshold,
		})
		got := a.Rings(samples, midnight.Add(time.Minute), false)
		assert.Check(t, got == tt.want, "%s %s %v: %t", tt.statistic, tt.comparison, tt.threshold, got)
	}
}

// A period counts when it is over, and another metric never does.
func TestWhatCounts(t *testing.T) {
	t.Parallel()
	a := define(t, 1, 1, "notBreaching", template.Object{"Period": 300})
	samples := []alarm.Sample{sample(0, 1)}
	for minute, want := range map[int]bool{1: false, 4: false, 5: true, 9: true} {
		got := a.Rings(samples, midnight.Add(time.Duration(minute)*time.Minute), false)
		assert.Check(t, got == want, "minute %d: %t", minute, got)
	}
	for name, change := range map[string]func(s *alarm.Sample){
		"namespace": func(s *alarm.Sample) { s.Namespace = "Other" },
		"metric":    func(s *alarm.Sample) { s.Metric = "Other" },
		"value":     func(s *alarm.Sample) { s.Dimensions = map[string]string{"provider": "berbix"} },
		"detail":    func(s *alarm.Sample) { s.Dimensions = map[string]string{"provider": "hesabe", "account": "a"} },
	} {
		s := sample(0, 1)
		change(&s)
		assert.Check(t, !a.Rings([]alarm.Sample{s}, midnight.Add(5*time.Minute), false), "another %s rings", name)
	}
	assert.Check(t, is.Equal(a.Crossing(), "Left < 10"), "crossing")
}

// What this package would evaluate wrongly it refuses.
func TestUnknownIsRefused(t *testing.T) {
	t.Parallel()
	for key, value := range map[string]any{
		"Statistic": "Average", "ComparisonOperator": "LessThanLowerThreshold", "TreatMissingData": "missing", "Period": "",
		"EvaluationPeriods": 0, "DatapointsToAlarm": 9, "Threshold": "high",
	} {
		_, err := alarm.All(stack(1, 2, "ignore", template.Object{key: value}))
		assert.Check(t, err != nil && strings.Contains(err.Error(), "One"), "%s %v: %v", key, value, err)
	}
}

// All alarms of the template are understood.
func TestTemplate(t *testing.T) {
	t.Parallel()
	stacks, err := template.LoadVariants("../../template.yaml")
	assert.NilError(t, err)
	for name, stack := range stacks {
		all, err := alarm.All(stack)
		assert.Check(t, err == nil && len(all) == len(stack.Of("AWS::CloudWatch::Alarm")),
			"%s: %d alarms, %v", name, len(all), err)
	}
}

func TestSamples(t *testing.T) {
	t.Parallel()
	got, err := alarm.Samples([]byte(`{"provider":"p","account":"a","Left":2,"_aws":{"Timestamp":1800000000123,"CloudWatchMetrics":[
		{"Namespace":"Space","Dimensions":[["provider"],["provider","account"]],"Metrics":[{"Name":"Left","Unit":"Count"}]}]}}`))
	at := time.UnixMilli(1800000000123)
	want := []alarm.Sample{
		{At: at, Namespace: "Space", Metric: "Left", Dimensions: map[string]string{"provider": "p"}, Value: 2},
		{At: at, Namespace: "Space", Metric: "Left", Dimensions: map[string]string{"provider": "p", "account": "a"}, Value: 2},
	}
	diff := cmp.Diff(want, got)
	assert.Check(t, diff == "" && err == nil, "%v (-want +got):\n%s", err, diff)
	got, err = alarm.Samples([]byte(`{"msg":"text"}`))
	assert.Check(t, got == nil && err == nil, "a line without metrics: %v, %v", got, err)
	for _, broken := range []string{
		`text`, `{"_aws":{"CloudWatchMetrics":[{"Dimensions":[["provider"]]}]}}`,
		`{"_aws":{"CloudWatchMetrics":[{"Dimensions":[[]],"Metrics":[{"Name":"Left"}]}]}}`,
	} {
		_, err := alarm.Samples([]byte(broken))
		assert.Check(t, err != nil, "no error for %s", broken)
	}
}
