package examples_test

import (
	"os"
	"os/exec"
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"
)

// Prometheus takes the rules, and they ring when they should.
func TestPrometheusRules(t *testing.T) {
	t.Parallel()
	promtool := found(t, "no promtool: `make promtool` builds it", "../.venv/promtool/promtool", "promtool")
	for _, args := range [][]string{
		{"check", "config", "prometheus.yml"}, {"check", "rules", "alerts.yml"}, {"test", "rules", "alerts_test.yml"},
	} {
		check := exec.CommandContext(t.Context(), promtool, args...)
		check.Dir = "prometheus" // whose files name each other
		said, err := check.CombinedOutput()
		assert.Check(t, err == nil, "promtool %v: %v\n%s", args, err, said)
	}
}

// Each alert is tested both silent and ringing.
func TestEachAlertIsTested(t *testing.T) {
	t.Parallel()
	var rules struct {
		Groups []struct {
			Rules []struct{ Alert string }
		}
	}
	var tests struct {
		Tests []struct {
			Rules []struct {
				Alert  string `yaml:"alertname"`
				Alerts []any  `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		}
	}
	for path, to := range map[string]any{"prometheus/alerts.yml": &rules, "prometheus/alerts_test.yml": &tests} {
		text, err := os.ReadFile(path)
		assert.NilError(t, err)
		assert.NilError(t, yaml.Unmarshal(text, to))
	}
	var want, silent, rings []string
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			want = append(want, rule.Alert)
		}
	}
	for _, test := range tests.Tests {
		for _, rule := range test.Rules {
			if len(rule.Alerts) == 0 {
				silent = append(silent, rule.Alert)
			} else {
				rings = append(rings, rule.Alert)
			}
		}
	}
	for _, all := range []*[]string{&want, &silent, &rings} {
		slices.Sort(*all)
		*all = slices.Compact(*all)
	}
	assert.Check(t, is.DeepEqual(silent, want), "silent")
	assert.Check(t, is.DeepEqual(rings, want), "ringing")
}
