package examples_test

import (
	"os/exec"
	"testing"
)

// Prometheus takes the rules, and they ring when they should.
func TestPrometheusRules(t *testing.T) {
	t.Parallel()
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("no promtool here: Debian's package prometheus has it")
	}
	for _, args := range [][]string{
		{"check", "config", "prometheus.yml"}, {"check", "rules", "alerts.yml"}, {"test", "rules", "alerts_test.yml"},
	} {
		check := exec.CommandContext(t.Context(), promtool, args...)
		check.Dir = "prometheus"
		if said, err := check.CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, said)
		}
	}
}
