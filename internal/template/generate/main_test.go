package main

import (
	"os"
	"strings"
	"testing"

	"tokenrefresh/internal/operator/catalog"
)

// The template that people deploy is the one that the sources make.
func TestTemplateIsUpToDate(t *testing.T) {
	t.Parallel()
	want, err := generate(catalog.All())
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Error("template.yaml is not what its sources make: change those, then run make template")
	}
}

// A further provider is a line in the catalog: its block appears by itself.
func TestFurtherProvider(t *testing.T) {
	t.Parallel()
	further := catalog.All()[0]
	further.Name, further.Title = "further", "Further"
	text, err := generate(append(catalog.All(), further))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		" and Further fresh", "  RefreshFurther:\n", "  FurtherExpiryAlarm:\n", "'${SecretPrefix}/further/default/tokens'",
		"dynamodb:LeadingKeys: [further, further/reply]", "  FurtherOn: ", `"${Alarm}-refresh-further-errors"`, "SOURCE '${RefreshFurtherLogs}'",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the template has no %q", want)
		}
	}
}
