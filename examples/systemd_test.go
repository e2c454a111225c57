package examples_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
)

// systemd understands all settings of the units in docs/single-machine.md.
func TestSystemdUnits(t *testing.T) {
	t.Parallel()
	analyze := found(t, "no systemd-analyze: it comes with systemd", "systemd-analyze")
	units, err := filepath.Glob("systemd/token-refresh*")
	assert.Assert(t, err == nil && len(units) != 0, "units %v, %v", units, err)
	const installed = "/usr/local/bin/tokenctl" // which systemd-analyze looks for
	dir := t.TempDir()
	args := []string{"verify", "--man=no"}
	for _, unit := range units {
		text, err := os.ReadFile(unit)
		assert.NilError(t, err)
		path := filepath.Join(dir, filepath.Base(unit))
		err = os.WriteFile(path, []byte(strings.ReplaceAll(string(text), installed, "/bin/true")), 0o600)
		assert.NilError(t, err)
		args = append(args, path)
	}
	said, err := exec.CommandContext(t.Context(), analyze, args...).CombinedOutput()
	assert.Check(t, err == nil && !strings.Contains(string(said), dir), "systemd-analyze: %v\n%s", err, said)
}
