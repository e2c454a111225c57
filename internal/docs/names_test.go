package docs_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/template"
)

var (
	// In code or in quotes, as samconfig.toml wants it.
	parameter = regexp.MustCompile("[`\"]([A-Z][a-z][A-Za-z]+)=")
	// What is no field of a query: texts, patterns, what CloudWatch adds, and names of results.
	quoted = regexp.MustCompile(`"[^"]*"|/[^/]*/|@[A-Za-z]+|\bas [a-z_]+`)
	word   = regexp.MustCompile(`[A-Za-z_][A-Za-z_0-9.]*`)
)

// ofReleases are the parameters that tools/translate.py adds for a release.
var ofReleases = []string{"CodeBucket", "CodePrefix"}

// A parameter that the template does not have would be refused, at the worst moment.
func TestParametersExist(t *testing.T) {
	t.Parallel()
	loaded, err := template.Load(filepath.Join(root, "template.yaml"))
	assert.NilError(t, err)
	seen := 0
	for name := range documents(t) {
		if name == "docs/single-machine.md" {
			continue // it has no stack, and names settings of systemd
		}
		text := page(t, name)
		for _, match := range parameter.FindAllStringSubmatch(text, -1) {
			seen++
			if name == "docs/releases.md" && slices.Contains(ofReleases, match[1]) {
				continue
			}
			if _, ok := loaded.Parameters[match[1]]; !ok {
				t.Errorf("%s: the template has no parameter %s", name, match[1])
			}
		}
	}
	assert.Check(t, seen >= 10, "only %d parameters seen", seen)
}

// keywords are the words of CloudWatch's query language that the documents use, and msg,
// which log/slog writes.
var keywords = []string{
	"fields", "filter", "sort", "stats", "limit", "by", "desc", "and", "or", "like", "in", "ispresent", "count", "max", "min", "bin",
	"h", "m", "msg",
}

// A query for a field that no function writes finds nothing, which looks like health.
func TestQueriesNameFieldsOfTheLog(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, k := range keywords {
		known[k] = true
	}
	code := source(t, "pkg") + source(t, "internal/operator/acts") // which writes into the same log
	queries := documents(t)[operations].blocks["logs"]
	assert.Check(t, len(queries) >= 3, "only %d queries found", len(queries))
	for _, query := range queries {
		for _, field := range word.FindAllString(quoted.ReplaceAllString(query, " "), -1) {
			field, _, _ = strings.Cut(field, ".") // of an object or list
			if !known[field] && !strings.Contains(code, `"`+field+`"`) {
				t.Errorf("no function writes %s, for which %s asks:\n%s", field, operations, query)
			}
		}
	}
}

// source is all Go code below a directory, tests excepted.
func source(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(filepath.Join(root, dir), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		all.Write(text)
		return err
	})
	assert.NilError(t, err)
	return all.String()
}

// The longest name that the template makes of the stack's must fit, and people are told how
// long a stack's may be.
func TestLongestStackName(t *testing.T) {
	t.Parallel()
	stacks, err := template.LoadVariants(filepath.Join(root, "template.yaml"))
	assert.NilError(t, err)
	const stackName, most = "stack", 64 // of a function, of a schedule
	longest := 0
	for _, stack := range stacks {
		for _, id := range stack.Of(template.Function) {
			p := stack.Resources[id].Properties
			for _, name := range []string{
				template.Get[string](p, "FunctionName"), template.Get[string](p, "Events", "Tick", "Properties", "Name"),
			} {
				longest = max(longest, len(name)-len(stackName))
			}
		}
		for _, id := range stack.Of("AWS::SQS::Queue") { // which may have 80
			longest = max(longest, len(template.Get[string](stack.Resources[id].Properties, "QueueName"))-len(stackName)-16)
		}
	}
	text := page(t, "docs/deploy.md")
	want := fmt.Sprintf("name may have up to %d characters", most-longest)
	assert.Check(t, strings.Contains(text, want), "docs/deploy.md does not say: %s", want)
}
