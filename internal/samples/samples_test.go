package samples_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/samples"
	"tokenrefresh/internal/template"
)

// A file that no run plays could say anything.
func TestEachFileOfEventsIsPlayed(t *testing.T) {
	t.Parallel()
	stack, err := template.LoadStack("../../template.yaml", nil)
	assert.NilError(t, err)
	for _, function := range stack.Of(template.Function) {
		provider := template.Provider(function)
		assert.Check(t, samples.Complete(provider, filepath.Join("../../events", "refresh-"+provider)))
	}
}

func TestAFileThatNoRunPlaysIsNamed(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for _, name := range []string{
		"scheduled.json", "envelope.json", "account.json", "dry-run.json", "force-dry-run.json", "rejected.json", "new.json",
	} {
		assert.NilError(t, os.WriteFile(filepath.Join(folder, name), []byte("{}"), 0o600))
	}
	err := samples.Complete("hesabe", folder)
	assert.Check(t, err != nil && strings.Contains(err.Error(), `["force.json" "new.json"]`),
		"one file too many and one too few: %v", err)
}
