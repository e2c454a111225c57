// Package alarm evaluates the alarms of template.yaml over metrics as CloudWatch does,
// so that a drill can say which of them rings, and when.
package alarm

import (
	"errors"
	"fmt"
	"maps"
	"math"
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
		seconds, periodErr := number(p["Period"])
		periods, periodsErr := number(p["EvaluationPeriods"])
		datapoints, datapointsErr := number(p["DatapointsToAlarm"])
		threshold, thresholdErr := number(p["Threshold"])
		a := Alarm{
			ID: id, Name: template.Get[string](p, "AlarmName"), Namespace: template.Get[string](p, "Namespace"),
			Metric: template.Get[string](p, "MetricName"), Dimensions: map[string]string{},
			statistic: template.Get[string](p, "Statistic"), period: time.Duration(seconds) * time.Second,
			periods: int(periods), datapoints: int(datapoints), comparison: template.Get[string](p, "ComparisonOperator"),
			threshold: threshold, missingData: template.Get[string](p, "TreatMissingData"),
		}
		for _, d := range template.Get[[]any](p, "Dimensions") {
			o, _ := d.(template.Object)
			a.Dimensions[template.Get[string](o, "Name")] = template.Get[string](o, "Value")
		}
		if err := errors.Join(periodErr, periodsErr, datapointsErr, thresholdErr, a.check()); err != nil {
			return nil, fmt.Errorf("alarm %s: %w", id, err)
		}
		all = append(all, a)
	}
	return all, nil
}

func number(v any) (float64, error) { return strconv.ParseFloat(fmt.Sprint(v), 64) }

// check refuses what this package does not know.
func (a Alarm) check() error {
	switch {
	case a.period <= 0 || a.datapoints < 1 || a.periods < a.datapoints:
		return fmt.Errorf("%d of %d periods of %s", a.datapoints, a.periods, a.period)
	case !slices.Contains([]string{"Minimum", "Maximum", "Sum"}, a.statistic):
		return fmt.Errorf("statistic %q", a.statistic)
	case !slices.Contains([]string{"LessThanThreshold", "GreaterThanThreshold", "GreaterThanOrEqualToThreshold"}, a.comparison):
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
		if a.breaches(value) {
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

// value is the metric's in a period; false where nothing was told.
func (a Alarm) value(samples []Sample, begin, end time.Time) (float64, bool) {
	var sum float64
	least, most, told := math.Inf(1), math.Inf(-1), false
	for _, s := range samples {
		if s.At.Before(begin) || !s.At.Before(end) || !a.Watches(s) {
			continue
		}
		sum, least, most, told = sum+s.Value, min(least, s.Value), max(most, s.Value), true
	}
	switch a.statistic {
	case "Minimum":
		return least, told
	case "Maximum":
		return most, told
	default:
		return sum, told
	}
}

// Watches reports whether the alarm is about the sample's metric.
func (a Alarm) Watches(s Sample) bool {
	return s.Namespace == a.Namespace && s.Metric == a.Metric && maps.Equal(s.Dimensions, a.Dimensions)
}

func (a Alarm) breaches(value float64) bool {
	switch a.comparison {
	case "LessThanThreshold":
		return value < a.threshold
	case "GreaterThanThreshold":
		return value > a.threshold
	default:
		return value >= a.threshold
	}
}

// Crossing says what it takes to ring: "AttemptsLeft < 2".
func (a Alarm) Crossing() string {
	sign := map[string]string{"LessThanThreshold": "<", "GreaterThanThreshold": ">"}[a.comparison]
	if sign == "" {
		sign = "≥"
	}
	return fmt.Sprintf("%s %s %g", a.Metric, sign, a.threshold)
}
