package architecture_test

import (
	"go/ast"
	"go/parser"
	"go/token"
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
	tests := map[string]map[string]bool{}
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
			if tests[pkg] == nil {
				tests[pkg] = testsOf(t, pkg)
			}
			assert.Check(t, tests[pkg][name], "row %d: %s has no test %s", next, pkg, name)
		}
		if named == 0 && !strings.Contains(columns[3], "—") {
			t.Errorf("row %d names neither a test nor why there is none", next)
		}
		next++
	}
	assert.Check(t, next == modes+1, "the last row is %d, want %d", next-1, modes)
}

// testsOf are the names of a package's tests and fuzz targets.
func testsOf(t *testing.T, pkg string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("../..", pkg, "*_test.go"))
	assert.NilError(t, err)
	names := map[string]bool{}
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		assert.NilError(t, err)
		for _, declaration := range file.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if !ok || function.Recv != nil {
				continue
			}
			if name := function.Name.Name; strings.HasPrefix(name, "Test") || strings.HasPrefix(name, "Fuzz") {
				names[name] = true
			}
		}
	}
	return names
}
