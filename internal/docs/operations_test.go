package docs_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/template"
)

const operations = "docs/operations.md"

// Each alarm sends its reader to a section.
func TestAlarmsHaveTheirSection(t *testing.T) {
	t.Parallel()
	anchors := documents(t)[operations].anchors
	stacks, err := template.LoadVariants(filepath.Join(root, "template.yaml"))
	assert.NilError(t, err)
	seen := map[string]bool{}
	for name, stack := range stacks {
		for _, id := range stack.Of("AWS::CloudWatch::Alarm") {
			text := template.Get[string](stack.Resources[id].Properties, "AlarmDescription")
			_, section, _ := strings.Cut(text, operations+"#")
			seen[section] = true
			assert.Check(t, anchors[section], "%s, %s: %s has no section %q", name, id, operations, section)
		}
	}
	assert.Check(t, len(seen) >= 9, "only %d sections are named: %v", len(seen), seen)
}

// Each outcome that a run can end with has a section of its own.
func TestOutcomesHaveTheirSection(t *testing.T) {
	t.Parallel()
	anchors := documents(t)[operations].anchors
	all := outcomes(t)
	assert.Assert(t, len(all) >= 18, "only %v found", all)
	for _, one := range all {
		assert.Check(t, anchors["outcome-"+one], "%s has no section \"Outcome `%s`\"", operations, one)
	}
}

var constant = regexp.MustCompile(`(?m)^\t\w+ +Outcome = "([a-z_]+)"`)

// outcomes are the constants of pkg/outcome.
func outcomes(t *testing.T) []string {
	t.Helper()
	return firsts(constant, page(t, "pkg/outcome/outcome.go"))
}
