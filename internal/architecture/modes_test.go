package architecture_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
)

const modes = 129

var (
	modeRow  = regexp.MustCompile(`^\| ([0-9]+) \|`)
	codeSpan = regexp.MustCompile("`([^`]+)`")
)

// A failure mode that is dropped from the document, or whose test is renamed, is one
// that nobody looks after any more.
func TestFailureModesNameTheirTests(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/failure-modes.md")
	assert.NilError(t, err)
	next := 1
	tests := map[string]string{} // by package
	for line := range strings.Lines(string(text)) {
		match := modeRow.FindStringSubmatch(line)
		if match == nil {
			continue
		}
		if number, err := strconv.Atoi(match[1]); err != nil || number != next {
			t.Fatalf("row %s comes where %d should", match[1], next)
		}
		columns := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		assert.Assert(t, len(columns) == 4, "row %d has %d columns, want 4", next, len(columns))
		named := 0
		for _, span := range codeSpan.FindAllStringSubmatch(columns[3], -1) {
			pkg, name, isTest := strings.Cut(span[1], " ") // else it is a setting or field
			if !isTest {
				continue
			}
			named++
			if tests[pkg] == "" {
				tests[pkg] = testsOf(t, pkg)
			}
			has := func(takes string) bool { return strings.Contains(tests[pkg], "\nfunc "+name+takes) }
			assert.Check(t, has("(t *testing.T)") || has("(f *testing.F)"), "row %d: %s has no test %s", next, pkg, name)
		}
		if named == 0 && !strings.Contains(columns[3], "—") {
			t.Errorf("row %d names neither a test nor why there is none", next)
		}
		next++
	}
	assert.Check(t, next == modes+1, "the last row is %d, want %d", next-1, modes)
}

// testsOf is the text of a package's tests.
func testsOf(t *testing.T, pkg string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("../..", pkg, "*_test.go"))
	assert.NilError(t, err)
	var all strings.Builder
	for _, path := range files {
		text, err := os.ReadFile(path)
		assert.NilError(t, err)
		all.Write(text)
	}
	return all.String()
}
