// Package alarm evaluates the alarms of template.yaml over metrics as CloudWatch does,
// so that a drill can say which of them rings, and when.
package alarm

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"tokenrefresh/internal/template"
)

// Sample is one value of a metric.
type Sample struct {
	At         time.Time
	Namespace  string
	Metric     string
	Dimensions map[string]string
	Value      float64
}

// Alarm is one of the template's. References in its dimensions are logical ids, as a
// template.Stack resolves them.
type Alarm struct {
	ID         string // logical id
	Name       string
	Namespace  string
	Metric     string
	Dimensions map[string]string

	statistic   string
	period      time.Duration
	periods     int // that are evaluated
	datapoints  int // of them that ring, if they breach
	comparison  string
	threshold   float64
	missingData string
}

// All returns the alarms of a stack, in order of their ids.
func All(stack *template.Stack) ([]Alarm, error) {
	var all []Alarm
	for _, id := range stack.Of("AWS::CloudWatch::Alarm") {
		p := stack.Resources[id].Properties
		var mistakes []error
		number := func(property string) float64 {
			n, err := strconv.ParseFloat(fmt.Sprint(p[property]), 64)
			mistakes = append(mistakes, err)
			return n
		}
		a := Alarm{
			ID: id, Name: template.Get[string](p, "AlarmName"), Namespace: template.Get[string](p, "Namespace"),
			Metric: template.Get[string](p, "MetricName"), Dimensions: map[string]string{},
			statistic: template.Get[string](p, "Statistic"), period: time.Duration(number("Period")) * time.Second,
			periods: int(number("EvaluationPeriods")), datapoints: int(number("DatapointsToAlarm")),
			comparison: template.Get[string](p, "ComparisonOperator"), threshold: number("Threshold"),
			missingData: template.Get[string](p, "TreatMissingData"),
		}
		for _, d := range template.Get[[]any](p, "Dimensions") {
			o, _ := d.(template.Object)
			a.Dimensions[template.Get[string](o, "Name")] = template.Get[string](o, "Value")
		}
		if err := errors.Join(append(mistakes, a.check())...); err != nil {
			return nil, fmt.Errorf("alarm %s: %w", id, err)
		}
		all = append(all, a)
	}
	return all, nil
}

// comparisons are those that this package knows.
var comparisons = map[string]struct {
	sign     string
	breaches func(value, threshold float64) bool
}{
	"LessThanThreshold":             {"<", func(value, threshold float64) bool { return value < threshold }},
	"GreaterThanThreshold":          {">", func(value, threshold float64) bool { return value > threshold }},
	"GreaterThanOrEqualToThreshold": {"≥", func(value, threshold float64) bool { return value >= threshold }},
}

// check refuses what this package does not know.
func (a Alarm) check() error {
	switch {
	case a.period <= 0 || a.datapoints < 1 || a.periods < a.datapoints:
		return fmt.Errorf("%d of %d periods of %s", a.datapoints, a.periods, a.period)
	case !slices.Contains([]string{"Minimum", "Maximum", "Sum"}, a.statistic):
		return fmt.Errorf("statistic %q", a.statistic)
	case comparisons[a.comparison].breaches == nil:
		return fmt.Errorf("comparison %q", a.comparison)
	case !slices.Contains([]string{"breaching", "notBreaching", "ignore"}, a.missingData):
		return fmt.Errorf("missing data is %q", a.missingData)
	}
	return nil
}

// morePeriods is how many periods CloudWatch looks at beyond those that it evaluates,
// to find as many that have data. AWS gives no number; its examples show two.
const morePeriods = 2

// Rings reports whether the alarm is in the state ALARM at a moment when it was, or was
// not, before. Only periods that are over count.
func (a Alarm) Rings(samples []Sample, at time.Time, before bool) bool {
	end := at.Truncate(a.period)
	breaching, known := 0, 0
	for n := range a.periods + morePeriods {
		begin := end.Add(-time.Duration(n+1) * a.period)
		value, ok := a.value(samples, begin, begin.Add(a.period))
		if !ok || known == a.periods {
			continue
		}
		known++
		if comparisons[a.comparison].breaches(value, a.threshold) {
			breaching++
		}
	}
	if missing := a.periods - known; missing > 0 {
		switch a.missingData {
		case "breaching":
			breaching += missing
		case "ignore":
			if known == 0 {
				return before
			}
		}
	}
	return breaching >= a.datapoints
}

// value is the metric's in a period; false: there is none.
func (a Alarm) value(samples []Sample, begin, end time.Time) (float64, bool) {
	var values []float64
	sum := 0.0
	for _, s := range samples {
		if !s.At.Before(begin) && s.At.Before(end) && a.Watches(s) {
			values, sum = append(values, s.Value), sum+s.Value
		}
	}
	switch {
	case len(values) == 0:
		return 0, false
	case a.statistic == "Minimum":
		return slices.Min(values), true
	case a.statistic == "Maximum":
		return slices.Max(values), true
	}
	return sum, true
}

// Watches reports whether the alarm is about the sample's metric.
func (a Alarm) Watches(s Sample) bool {
	return s.Namespace == a.Namespace && s.Metric == a.Metric && maps.Equal(s.Dimensions, a.Dimensions)
}

// Crossing says what it takes to ring: "AttemptsLeft < 2".
func (a Alarm) Crossing() string {
	return fmt.Sprintf("%s %s %g", a.Metric, comparisons[a.comparison].sign, a.threshold)
}

// Directives are the part of a log line that tells CloudWatch what to take from it (the embedded
// metric format, "_aws").
type Directives struct {
	Timestamp         int64 // in milliseconds
	CloudWatchMetrics []struct {
		Namespace  string
		Dimensions [][]string
		Metrics    []struct{ Name, Unit string }
	}
}

// Samples are the values that CloudWatch takes from a log line in the embedded metric
// format: one for each metric and set of dimensions. A line without metrics has none.
func Samples(line []byte) ([]Sample, error) {
	var header struct {
		AWS *Directives `json:"_aws"`
	}
	var fields map[string]any
	if err := errors.Join(json.Unmarshal(line, &header), json.Unmarshal(line, &fields)); err != nil {
		return nil, fmt.Errorf("not a line of JSON: %w", err)
	}
	if header.AWS == nil {
		return nil, nil
	}
	var samples []Sample
	for _, directive := range header.AWS.CloudWatchMetrics {
		for _, names := range directive.Dimensions {
			dimensions := map[string]string{}
			for _, name := range names {
				value, ok := fields[name].(string)
				if !ok {
					return nil, fmt.Errorf("no dimension %q", name)
				}
				dimensions[name] = value
			}
			for _, m := range directive.Metrics {
				value, ok := fields[m.Name].(float64)
				if !ok {
					return nil, fmt.Errorf("no metric %q", m.Name)
				}
				samples = append(samples, Sample{
					At: time.UnixMilli(header.AWS.Timestamp), Namespace: directive.Namespace, Metric: m.Name,
					Dimensions: dimensions, Value: value,
				})
			}
		}
	}
	return samples, nil
}
