package mutation

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gotest.tools/v3/assert"
)

// engine is the directory of the package that is broken, seen from this one.
const engine = "../../pkg/refresh"

var all = flag.Bool("all", false, "try every break, for some minutes; otherwise those at the core of the protocol")

const playing = "^(TestSteps|TestOneFault|TestTwoFaults|TestManyFaults|TestChaos)$" // TestSteps counts calls, which a break may add

// target is a package whose code is broken, and whose tests have to notice.
type target struct {
	dir string // seen from the engine's; the files of its breaks are too
	// tests are asked in this order.
	tests [][]string
}

// The engine is asked first what one fault shows, then what a person has written down, then
// what takes more faults.
var (
	chains = target{".", [][]string{
		{"-test.run=^TestOneFault$"},
		{"-test.run=.", "-test.skip=" + playing},
		{"-test.run=^TestTwoFaults$", "-stride=97"},
		{"-test.run=^(TestChaos|TestManyFaults)$"},
	}}
	sweeps = target{"../sweep", [][]string{{"-test.run=."}}}
)

// TestEveryBreakIsCaught builds the tests of the engine once for each break. Subtests
// run in parallel, no more of them than there are CPUs.
func TestEveryBreakIsCaught(t *testing.T) {
	t.Parallel()
	dependOn(t, "*.go", "refreshtest/*.go", "../store/*.go")
	chains.catches(t, breaks)
}

// TestEverySweepBreakIsCaught builds the tests of pkg/sweep once for each break.
func TestEverySweepBreakIsCaught(t *testing.T) {
	t.Parallel()
	dependOn(t, "../sweep/*.go")
	sweeps.catches(t, sweepBreaks)
}

// catches fails for each break that no test of the target notices.
func (g target) catches(t *testing.T, breaks []breach) {
	t.Helper()
	command := goCommand(t)
	unbroken := g.build(t, command, breaks[0].file, source(t, breaks[0].file))
	// Without this a test that fails for another reason would catch everything. Tests that catch
	// nothing here need not be run for it.
	healthy := make([]func() (string, error), len(g.tests))
	for i, args := range g.tests {
		healthy[i] = sync.OnceValues(func() (string, error) { return g.run(t.Context(), unbroken, args) })
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
			broken := g.build(t, command, b.file, strings.Replace(whole, b.old, b.new, 1))
			for i, args := range g.tests {
				found, err := g.run(t.Context(), broken, args)
				assert.NilError(t, err)
				if found == "" {
					continue
				}
				if own, err := healthy[i](); own != "" || err != nil {
					t.Fatalf("the tests %v fail on the engine as it is:\n%s%v", args, own, err)
				}
				t.Logf("caught after %.1fs, build included: %s", time.Since(began).Seconds(), found[:min(len(found), 300)])
				return
			}
			t.Fatalf("a broken engine passes: no test notices that %s.\n%s:\n-\t%s\n+\t%s", b.broken, b.file, b.old, b.new)
		})
	}
}

// build builds the target's tests with text in place of file.
func (g target) build(t *testing.T, command, file, text string) (binary string) {
	t.Helper()
	dir := t.TempDir()
	binary = filepath.Join(dir, "target.test")
	build := exec.CommandContext(t.Context(), command,
		"test", "-c", "-ldflags=-s -w", "-overlay", overlay(t, dir, file, text), "-o", binary, filepath.Join(engine, g.dir))
	out, err := build.CombinedOutput()
	assert.Assert(t, err == nil, "the table is stale: %s does not build with this break: %v\n%s", file, err, out)
	return binary
}

// run runs some of the target's tests until one fails. It returns which, and how; empty:
// none. In the format for test2json a subtest tells at once that it has failed.
func (g target) run(ctx context.Context, binary string, args []string) (string, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	run := exec.CommandContext(ctx, binary, slices.Concat(args, []string{"-test.v=test2json", "-test.failfast", "-test.timeout=10m"})...)
	run.Dir = filepath.Join(engine, g.dir)
	run.Env = append(os.Environ(), "GOGC=400") // the heap is small, and would be collected all the time
	out, err := run.StdoutPipe()
	if err != nil {
		return "", err
	}
	run.Stderr = run.Stdout
	if err := run.Start(); err != nil {
		return "", err
	}
	var said []string
	var failed, report string
	for lines := bufio.NewReader(out); ; {
		line, err := lines.ReadString('\n')
		_, name, failure := strings.Cut(line, "--- FAIL: ")
		switch {
		case failure && failed == "":
			failed = name
		case failed != "" && !failure && !strings.HasPrefix(line, "panic: "):
			stop() // tests beside it would go on
			_ = run.Wait()
			return strings.TrimSpace(failed) + " " + strings.TrimSpace(report), nil
		case reported.MatchString(line):
			report = line
		}
		if err != nil {
			break
		}
		said = append(said, line)
	}
	if err := run.Wait(); err != nil {
		// A panic or a hang says nothing of what the test can tell.
		return "", fmt.Errorf("%v: %w\n%s", args, err, strings.Join(said, ""))
	}
	return "", nil
}

// overlay writes what lets the go command read text in place of the engine's file.
func overlay(t *testing.T, dir, file, text string) string {
	t.Helper()
	original, err := filepath.Abs(filepath.Join(engine, file))
	assert.NilError(t, err)
	broken, list := filepath.Join(dir, filepath.Base(file)), filepath.Join(dir, "overlay.json")
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{original: broken}})
	assert.NilError(t, err)
	for name, content := range map[string][]byte{broken: []byte(text), list: replace} {
		assert.NilError(t, os.WriteFile(name, content, 0o600))
	}
	return list
}

// reported is a line that a test has reported.
var reported = regexp.MustCompile(`^\s+\w+_test\.go:\d+: `)

func source(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(engine, file))
	assert.NilError(t, err)
	return string(text)
}

// dependOn opens all that a target is made of: a result that the go command has cached is
// not good any more when one of the files changes.
func dependOn(t *testing.T, patterns ...string) {
	t.Helper()
	for _, pattern := range patterns {
		files, err := filepath.Glob(filepath.Join(engine, pattern))
		assert.Assert(t, err == nil && len(files) != 0, "no %s: %v", pattern, err)
		for _, file := range files {
			_, err := os.ReadFile(file)
			assert.NilError(t, err)
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
	assert.Assert(t, os.Getenv("CI") == "", "no go command to build the breaks with")
	t.Skip("no go command to build the breaks with")
	return ""
}
