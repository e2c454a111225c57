package mutation

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestEverySweepBreakIsCaught builds the tests of pkg/sweep once for each break.
func TestEverySweepBreakIsCaught(t *testing.T) {
	t.Parallel()
	command := goCommand(t)
	files, err := filepath.Glob("../../pkg/sweep/*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files { // so that the go command's cache sees their changes
		if _, err := os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}
	whole := source(t, sweepBreaks[0].file)
	if found := sweepFailure(t, command, sweepBreaks[0].file, whole); found != "" {
		t.Fatalf("the tests fail on the engine as it is:\n%s", found)
	}
	for _, b := range sweepBreaks {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			whole := source(t, b.file)
			if n := strings.Count(whole, b.old); n != 1 {
				t.Fatalf("the table is stale: %s has this snippet %d times, want once:\n%s", b.file, n, b.old)
			}
			if !b.core && !*all {
				return
			}
			began := time.Now()
			found := sweepFailure(t, command, b.file, strings.Replace(whole, b.old, b.new, 1))
			if found == "" {
				t.Fatalf("a broken engine passes: no test notices that %s.\n%s:\n-\t%s\n+\t%s", b.broken, b.file, b.old, b.new)
			}
			t.Logf("caught after %.1fs, build included: %s", time.Since(began).Seconds(), found)
		})
	}
}

// sweepFailure builds the tests of pkg/sweep with text in place of file, and runs them. It
// returns which failed first, and how; empty: none.
func sweepFailure(t *testing.T, command, file, text string) string {
	t.Helper()
	dir := t.TempDir()
	binary := filepath.Join(dir, "sweep.test")
	build := exec.CommandContext(t.Context(), command,
		"test", "-c", "-ldflags=-s -w", "-overlay", overlay(t, dir, file, text), "-o", binary, "tokenrefresh/pkg/sweep")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("the table is stale: %s does not build with this break: %v\n%s", file, err, out)
	}
	run := exec.CommandContext(t.Context(), binary, "-test.failfast", "-test.timeout=5m")
	run.Dir = "../../pkg/sweep"
	out, err := run.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &exit) && exit.ExitCode() == 1:
		found := firstFailure(string(out))
		return found[:min(len(found), 300)]
	}
	t.Fatalf("%v\n%s", err, out)
	return ""
}
