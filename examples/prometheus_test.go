package examples_test

import (
	"os/exec"
	"testing"

	"gotest.tools/v3/assert"
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
