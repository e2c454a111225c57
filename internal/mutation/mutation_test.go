package mutation

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// engine is the directory of the package that is broken, seen from this one.
const engine = "../../pkg/refresh"

var all = flag.Bool("all", false, "try every break, for some minutes; otherwise those at the core of the protocol")

const playing = "^(TestSteps|TestOneFault|TestTwoFaults|TestManyFaults|TestChaos)$" // TestSteps counts calls, which a break may add

// tests are those of the engine, in the order in which they are asked: what one fault
// shows, then what a person has written down, then what takes more faults.
var tests = [][]string{
	{"-test.run=^TestOneFault$"},
	{"-test.run=.", "-test.skip=" + playing},
	{"-test.run=^TestTwoFaults$", "-stride=97"},
	{"-test.run=^(TestChaos|TestManyFaults)$"},
}

// TestEveryBreakIsCaught builds the tests of the engine once for each break. Subtests
// run in parallel, no more of them than there are CPUs.
func TestEveryBreakIsCaught(t *testing.T) {
	t.Parallel()
	command := goCommand(t)
	dependOnTests(t)

	// Without this a test that fails for another reason would catch everything.
	whole := source(t, breaks[0].file)
	if found := explore(t, command, breaks[0].file, whole); found != "" {
		t.Fatalf("the tests fail on the engine as it is:\n%s", found)
	}
	for _, b := range breaks {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			whole := source(t, b.file)
			if n := strings.Count(whole, b.old); n != 1 {
				t.Fatalf("the table is stale: %s has this snippet %d times, want once:\n%s", b.file, n, b.old)
			}
			if !b.core && !*all {
				return // the snippet is there; `go test ./internal/mutation -all` tries it
			}
			began := time.Now()
			found := explore(t, command, b.file, strings.Replace(whole, b.old, b.new, 1))
			if found == "" {
				t.Fatalf("a broken engine passes: no test notices that %s.\n%s:\n-\t%s\n+\t%s",
					b.broken, b.file, b.old, b.new)
			}
			t.Logf("caught after %.1fs, build included: %s", time.Since(began).Seconds(), found)
		})
	}
}

// explore builds the engine's tests with text in place of file, and runs them. It returns which of them failed first, and how; empty: none.
func explore(t *testing.T, command, file, text string) string {
	t.Helper()
	dir := t.TempDir()
	binary := filepath.Join(dir, "refresh.test")
	build := exec.CommandContext(t.Context(), command,
		"test", "-c", "-ldflags=-s -w", "-overlay", overlay(t, dir, file, text), "-o", binary, "tokenrefresh/pkg/refresh")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("the table is stale: %s does not build with this break: %v\n%s", file, err, out)
	}
	for _, args := range tests {
		run := exec.CommandContext(t.Context(), binary, append(args, "-test.failfast", "-test.timeout=10m")...)
		run.Dir = engine
		out, err := run.CombinedOutput()
		var exit *exec.ExitError
		switch {
		case err == nil:
		case errors.As(err, &exit) && exit.ExitCode() == 1:
			return firstFailure(string(out))
		default: // a panic or a hang says nothing of what the test can tell
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	return ""
}

// overlay writes what lets the go command read text in place of the engine's file.
func overlay(t *testing.T, dir, file, text string) string {
	t.Helper()
	original, err := filepath.Abs(filepath.Join(engine, file))
	if err != nil {
		t.Fatal(err)
	}
	broken, list := filepath.Join(dir, filepath.Base(file)), filepath.Join(dir, "overlay.json")
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{original: broken}})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{broken: []byte(text), list: replace} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

// failure is a failed subtest and the first line of its report.
var failure = regexp.MustCompile(`--- FAIL: (\S+/\S+) .*\n\s*(.*)`)

func firstFailure(out string) string {
	if m := failure.FindStringSubmatch(out); m != nil {
		return m[1] + ": " + m[2]
	}
	return out
}

func source(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(engine, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// dependOnTests opens all that the explorations are made of: a result that the go
// command has cached is not good any more when one of the files changes.
func dependOnTests(t *testing.T) {
	t.Helper()
	for _, pattern := range []string{"*.go", "refreshtest/*.go", "../store/*.go"} {
		files, err := filepath.Glob(filepath.Join(engine, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("no %s: %v", pattern, err)
		}
		for _, file := range files {
			if _, err := os.ReadFile(file); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// goCommand finds the go command, or skips the test where there is none.
func goCommand(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"go", filepath.Join(os.Getenv("GOROOT"), "bin", "go")} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatal("no go command to build the breaks with")
	}
	t.Skip("no go command to build the breaks with")
	return ""
}
