package examples_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// systemd understands all settings of the units in docs/single-machine.md.
func TestSystemdUnits(t *testing.T) {
	t.Parallel()
	analyze := found(t, "no systemd-analyze: it comes with systemd", "systemd-analyze")
	units, err := filepath.Glob("systemd/token-refresh*")
	if err != nil || len(units) == 0 {
		t.Fatalf("units %v, %v", units, err)
	}
	const installed = "/usr/local/bin/tokenctl" // which systemd-analyze looks for
	dir := t.TempDir()
	args := []string{"verify", "--man=no"}
	for _, unit := range units {
		text, err := os.ReadFile(unit)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.Base(unit))
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(text), installed, "/bin/true")), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	if said, err := exec.CommandContext(t.Context(), analyze, args...).CombinedOutput(); err != nil || strings.Contains(string(said), dir) {
		t.Errorf("systemd-analyze: %v\n%s", err, said)
	}
}
