package main

import (
	"os"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/operator/catalog"
)

// The template that people deploy is the one that the sources make.
func TestTemplateIsUpToDate(t *testing.T) {
	t.Parallel()
	want, err := generate(catalog.All())
	assert.NilError(t, err)
	got, err := os.ReadFile("../../../template.yaml")
	assert.NilError(t, err)
	assert.Check(t, string(got) == string(want),
		"template.yaml is not what its sources make: change those, then run make template")
}

// A further provider is a line in the catalog: its block appears by itself.
func TestFurtherProvider(t *testing.T) {
	t.Parallel()
	further := catalog.All()[0]
	further.Name, further.Title = "further", "Further"
	text, err := generate(append(catalog.All(), further))
	assert.NilError(t, err)
	for _, want := range []string{
		" and Further fresh", "  RefreshFurther:\n", "  FurtherExpiryAlarm:\n", "'${SecretPrefix}/further/default/tokens'",
		"dynamodb:LeadingKeys: [further, further/reply]", "  FurtherOn: ", `"${Alarm}-refresh-further-errors"`, "SOURCE '${RefreshFurtherLogs}'",
	} {
		assert.Check(t, strings.Contains(string(text), want), "the template has no %q", want)
	}
}
