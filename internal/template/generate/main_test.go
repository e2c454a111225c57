package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/operator/catalog"
	loaded "tokenrefresh/internal/template"
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

// A further provider, of whatever kind, is a line in the catalog: its block appears by itself, and shares nothing.
func TestFurtherProviders(t *testing.T) {
	t.Parallel()
	entries := catalog.All()
	for _, further := range catalog.All() {
		further.Name, further.Title, further.Table = "further"+further.Name, "Further"+further.Title, ""
		entries = append(entries, further)
	}
	text, err := generate(entries)
	assert.NilError(t, err)
	for _, want := range []string{
		" and " + entries[len(entries)-1].Title + " fresh", "  FurtherHesabeExpiryAlarm:\n", "'${SecretPrefix}/furtherhesabe/default/tokens'",
		"dynamodb:LeadingKeys: [furtherhesabe, furtherhesabe/reply]", "  FurtherHesabeOn: ", `"${Alarm}-refresh-furtherhesabe-errors"`,
		"SOURCE '${RefreshFurtherHesabeLogs}'", "alarm:${AWS::StackName}-refresh-furtherberbix-dead-letters",
		"TableName: !Sub '${TablePrefix}-furtherberbix-transactions'", "Value: !Sub '${TablePrefix}-furtherberbix-transactions'",
	} {
		assert.Check(t, strings.Contains(string(text), want), "the template has no %q", want)
	}
	table := func(name string) int { return strings.Count(string(text), "${TablePrefix}-"+name) }
	if own, first := table("furtherberbix-transactions"), table("transactions"); own != first {
		t.Errorf("%d lines are about the further table, %d about the first", own, first)
	}
	path := filepath.Join(t.TempDir(), "template.yaml")
	assert.NilError(t, os.WriteFile(path, text, 0o600))
	made, err := loaded.Load(path)
	assert.NilError(t, err)
	for name, parameters := range loaded.Variants {
		stack, err := made.Stack(parameters)
		assert.NilError(t, err, name)
		tables := map[string]bool{}
		for _, function := range stack.Of(loaded.Function) {
			table := stack.Environment(function)["TRANSACTIONS_TABLE"]
			if table != "" && tables[table] {
				t.Errorf("%s: two functions take the transactions of %s", name, table)
			}
			tables[table] = true
		}
	}
	stack, err := made.Stack(map[string]string{"Providers": "furtherhesabe"})
	assert.NilError(t, err)
	for alarm, want := range map[string]bool{"HesabeExpiry": false, "FurtherHesabeExpiry": true, "FurtherBerbixExpiry": false} {
		if _, got := stack.Resources[alarm]; got != want {
			t.Errorf("with the one provider in use there is %s: %v", alarm, got)
		}
	}
}
