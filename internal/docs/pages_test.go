package docs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/doctor"
	"tokenrefresh/internal/operator/status"
	"tokenrefresh/internal/template"
	"tokenrefresh/pkg/release"
)

var (
	section  = regexp.MustCompile(`(?m)^## (.*)$`)
	contents = regexp.MustCompile(`(?m)^- \[([^\]]*)\]\(#[a-z0-9_-]+\)`)
	listed   = regexp.MustCompile(`(?m)^- \[([^\]]*)\]\(([^)]*)\): \S`)
	// The names in the first column of a table.
	named = regexp.MustCompile("(?m)^\\| ((?:`[A-Za-z_0-9]+`[, ]*)+) \\|")
	name  = regexp.MustCompile("`([^`]+)`")
	// How pkg/event takes a field out of an event or a record.
	taken = regexp.MustCompile(`\b(?:Take|id|ids)\("([a-z_]+)"`)
)

// page is a document as it stands.
func page(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	assert.NilError(t, err)
	return string(text)
}

// firsts are the first groups of all matches.
func firsts(pattern *regexp.Regexp, text string) []string {
	var all []string
	for _, match := range pattern.FindAllStringSubmatch(text, -1) {
		all = append(all, match[1])
	}
	return all
}

// inTables are the names in the first columns of a page's tables, sorted.
func inTables(t *testing.T, path string) []string {
	t.Helper()
	return namesIn(page(t, path))
}

func namesIn(text string) []string {
	var all []string
	for _, cell := range firsts(named, text) {
		all = append(all, firsts(name, cell)...)
	}
	slices.Sort(all)
	return all
}

// jsonFields are the names of a type's fields in JSON, and of the types in it.
func jsonFields(of reflect.Type) []string {
	switch {
	case of.Kind() == reflect.Pointer, of.Kind() == reflect.Slice:
		return jsonFields(of.Elem())
	case of.Kind() != reflect.Struct, of == reflect.TypeFor[time.Time]():
		return nil
	}
	var all []string
	for field := range of.Fields() {
		if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" {
			all = append(append(all, name), jsonFields(field.Type)...)
		}
	}
	return all
}

// Programs read what --json prints: its fields are those of the page's tables below the sentence that says so.
func TestFieldsOfJSONAreExplained(t *testing.T) {
	t.Parallel()
	for path, of := range map[string][]reflect.Type{
		"docs/status.md": {reflect.TypeFor[status.Report](), reflect.TypeFor[status.Transaction]()},
		"docs/doctor.md": {reflect.TypeFor[doctor.Report]()},
	} {
		var want []string
		for _, one := range of {
			want = append(want, jsonFields(one)...)
		}
		slices.Sort(want)
		_, text, _ := strings.Cut(page(t, path), "--json` prints one object")
		text, _, _ = strings.Cut(text, "\n## ")
		assert.Check(t, is.DeepEqual(slices.Compact(namesIn(text)), slices.Compact(want)), path)
	}
}

// The README is read in one go: its contents show all of it, and what is long has a page of its own.
func TestReadmeIsShort(t *testing.T) {
	t.Parallel()
	text := page(t, "README.md")
	lines := strings.Count(text, "\n")
	assert.Check(t, lines <= 200, "README.md has %d lines", lines)
	diff := cmp.Diff(firsts(section, text), firsts(contents, text))
	assert.Check(t, diff == "", "sections and contents differ (-sections +contents):\n%s", diff)
}

func TestAllPagesAreListed(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	for _, match := range listed.FindAllStringSubmatch(page(t, "docs/README.md"), -1) {
		seen[match[2]]++
	}
	files, err := os.ReadDir(filepath.Join(root, "docs"))
	assert.Assert(t, err == nil && len(files) >= 10, "%d files: %v", len(files), err)
	for _, file := range files {
		if file.Name() != "README.md" && seen[file.Name()] != 1 {
			t.Errorf("docs/README.md lists %s %d times", file.Name(), seen[file.Name()])
		}
	}
}

func TestOutcomesAreExplained(t *testing.T) {
	t.Parallel()
	want := append(outcomes(t), "version", "run_id", "outcomes", "credentials", "warnings", "batchItemFailures") // of the answer
	slices.Sort(want)
	assert.Check(t, is.DeepEqual(inTables(t, "docs/outcomes.md"), want), "docs/outcomes.md")
}

// A field that is not known is refused, and one that nobody knows of is of no use.
func TestFieldsOfEventsAreExplained(t *testing.T) {
	t.Parallel()
	fields := append(firsts(taken, source(t, "pkg/event")), "Records") // which is SQS's
	slices.Sort(fields)
	pageFields := slices.Compact(inTables(t, "docs/invoking.md"))
	diff := cmp.Diff(slices.Compact(fields), pageFields)
	assert.Check(t, diff == "" && len(pageFields) >= 10, "docs/invoking.md (-code +page):\n%s", diff)
}

func TestReadersFindTheirPolicies(t *testing.T) {
	t.Parallel()
	loaded, err := template.Load(filepath.Join(root, "template.yaml"))
	assert.NilError(t, err)
	for _, entry := range catalog.All() { // by which docs/reading.md names them
		if output := entry.Title + "AccessReader"; loaded.Outputs[output] == nil {
			t.Errorf("there is no output %s", output)
		}
	}
}

// Each alarm costs; so the page counts them as the template does.
func TestAlarmsAreCounted(t *testing.T) {
	t.Parallel()
	stack, err := template.LoadStack(filepath.Join(root, "template.yaml"), template.Variants["OAuth 2"])
	assert.NilError(t, err)
	_, row, _ := strings.Cut(page(t, "docs/costs.md"), "| alarms, $0.10 each | ")
	row, _, _ = strings.Cut(row, "\n")
	for _, entry := range catalog.All() {
		count := 0
		for _, id := range stack.Of("AWS::CloudWatch::Alarm") {
			name := template.Get[string](stack.Resources[id].Properties, "AlarmName")
			if strings.Contains(name, "-refresh-"+entry.Name+"-") {
				count++
			}
		}
		cell := fmt.Sprintf("%d: $%.2f", count, float64(count)/10)
		if cells := strings.Split(strings.Trim(row, " |"), " | "); count == 0 || slices.ContainsFunc(cells, func(c string) bool { return c != cell }) {
			t.Errorf("docs/costs.md: the alarms of %s cost %s, and not %s", entry.Name, cell, row)
		}
	}
}

// The README says how many outages the run book has played.
func TestOutagesAreCounted(t *testing.T) {
	t.Parallel()
	_, table, _ := strings.Cut(page(t, operations), "<!-- make drill: begin -->")
	table, _, _ = strings.Cut(table, "<!-- make drill: end -->")
	const heads = 2
	played := strings.Count(table, "\n|") - heads
	want := fmt.Sprintf("in %d outages", played)
	assert.Check(t, played >= 10 && strings.Contains(page(t, "README.md"), want), "README.md does not say %q", want)
}

// Who meets a version looks its changes up.
func TestChangelogHasThisRelease(t *testing.T) {
	t.Parallel()
	text := page(t, "CHANGELOG.md")
	assert.Assert(t, is.Contains(text, "\n## ["+release.Version+"] - "))
}

// A newcomer finds each folder, and what it is for, in the layout of CONTRIBUTING.md.
func TestLayoutNamesEachFolder(t *testing.T) {
	t.Parallel()
	var layout string
	for _, block := range documents(t)["CONTRIBUTING.md"].blocks[""] {
		if strings.Contains(block, "functions/refresh-*/") {
			layout = block
		}
	}
	seen := 0
	for _, pattern := range []string{"*", "cmd/*", "pkg/*", "pkg/homes/*", "pkg/reader/*", "internal/*", "internal/operator/*"} {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		assert.NilError(t, err)
		for _, path := range paths {
			entries, err := os.ReadDir(path)
			if err != nil || len(entries) == 0 { // a file
				continue
			}
			name := filepath.Base(path)
			// Not the project's: what people and tools leave in their copy.
			if name == "bin" || path == filepath.Join(root, "dist") || strings.HasPrefix(name, ".") && name != ".ci" && name != ".github" {
				continue
			}
			seen++
			assert.Check(t, strings.Contains(layout, name+"/"), "CONTRIBUTING.md does not say what %s is for", path)
		}
	}
	assert.Check(t, seen >= 60, "only %d folders seen", seen)
}
