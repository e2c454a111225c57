package e2e_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/alarm"
	"tokenrefresh/internal/sandbox"
	"tokenrefresh/internal/template"
)

// line is a run's summary in the embedded metric format.
type line struct {
	Provider  string            `json:"provider"`
	Account   string            `json:"account"`
	ExpiresIn float64           `json:"AccessTokenExpiresIn"`
	RunID     string            `json:"run_id"`
	AWS       *alarm.Directives `json:"_aws"`
}

// lines are the log lines that carry metrics.
func (f *function) lines(t *testing.T) []line {
	t.Helper()
	var lines []line
	for text := range strings.Lines(f.Logs()) {
		var l line
		err := json.Unmarshal([]byte(text), &l)
		assert.Assert(t, err == nil, "not a line of JSON: %q", text)
		if l.AWS != nil {
			lines = append(lines, l)
		}
	}
	return lines
}

// Each run writes one line with the metrics that the template's alarms watch, whether
// something was due or not.
func TestRunsAreMeasured(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, p := range []sandbox.Provider{sandbox.Hesabe, sandbox.TConnect, sandbox.Berbix} {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			c := w.credential(t, p, defaultAccount, sandbox.Options{})
			c.seed(t, nil)
			f := c.start(t)
			if p == sandbox.Berbix {
				c.record(t, f, c.sandbox.AddTransaction())
			}
			runs := []string{f.run(t, f.tick).RunID, f.run(t, f.tick).RunID}
			lines := f.lines(t)
			assert.Assert(t, len(lines) == len(runs), "%d lines of %d runs\n%s", len(lines), len(runs), f.Logs())
			alarm := w.stack.Template.Resources[strings.TrimPrefix(c.logicalID, "Refresh")+"Expiry"].Properties
			for i, l := range lines {
				checkAlarmSees(t, alarm, l)
				if l.RunID != runs[i] {
					t.Errorf("run %s logs %s", runs[i], l.RunID)
				}
				if life := lifeOf(p).Seconds(); l.ExpiresIn > life || l.ExpiresIn < life-30 {
					t.Errorf("AccessTokenExpiresIn is %g of %g", l.ExpiresIn, life)
				}
				age := time.Since(time.UnixMilli(l.AWS.Timestamp))
				assert.Check(t, age >= -time.Second && age <= time.Minute, "the metric is %s old", age)
			}
		})
	}
}

func lifeOf(p sandbox.Provider) time.Duration {
	if life, ok := chained[p]; ok {
		return life
	}
	return time.Hour
}

// checkAlarmSees checks that CloudWatch makes of the line the metric of an alarm.
func checkAlarmSees(t *testing.T, alarm template.Object, l line) {
	t.Helper()
	name := template.Get[string](alarm, "MetricName")
	assert.Assert(t, name == "AccessTokenExpiresIn", "the alarm watches %q", name)
	dimensions := map[string]string{}
	for _, d := range template.Get[[]any](alarm, "Dimensions") {
		dimensions[template.Get[string](d.(template.Object), "Name")] = template.Get[string](d.(template.Object), "Value")
	}
	assert.Check(t, is.DeepEqual(map[string]string{"provider": l.Provider}, dimensions), "dimensions")
	for _, directive := range l.AWS.CloudWatchMetrics {
		defined := slices.ContainsFunc(directive.Metrics, func(m struct{ Name, Unit string }) bool {
			return m.Name == name && m.Unit == "Seconds"
		})
		over := slices.ContainsFunc(directive.Dimensions, func(names []string) bool {
			return cmp.Equal(names, []string{"provider"})
		})
		if defined && over && directive.Namespace == template.Get[string](alarm, "Namespace") {
			return
		}
	}
	t.Errorf("no metric for the alarm in %+v", l.AWS)
}
