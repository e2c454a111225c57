package oauth2_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/providers/oauth2"
	"tokenrefresh/pkg/secret"
)

// example is a block of docs/services.md that is a JSON object.
var example = regexp.MustCompile(`(?m)^    \{(?:.*\n(?:     ?.*\n)*?.*)\}$`)

// Each example of the documentation opens, sets refresh_token_reuse, and has no unknown field.
func TestExamplesOfServices(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../docs/services.md")
	assert.NilError(t, err)
	_, services, _ := strings.Cut(string(text), "\n## Services\n")
	provider := oauth2.New(exchange.New(exchange.Options{}), "")
	sections := strings.Split(services, "\n### ")[1:]
	for _, section := range sections {
		name, body, _ := strings.Cut(section, "\n")
		found := example.FindAllString(body, -1)
		if len(found) != 1 {
			t.Errorf("%s: %d examples", name, len(found))
			continue
		}
		if _, err := provider.Open(secret.New(found[0])); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var fields map[string]any
		if err := json.Unmarshal([]byte(found[0]), &fields); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for field := range fields {
			known := func(f providers.Field) bool { return f.Name == field }
			if !slices.ContainsFunc(provider.Fields(), known) {
				t.Errorf("%s: the field %s is not known", name, field)
			}
		}
		if !strings.Contains(found[0], `"refresh_token_reuse"`) && !strings.Contains(found[0], `"login_params"`) {
			t.Errorf("%s: it does not say how long a token is taken again", name)
		}
		if sourced := strings.Contains(body, "](https://") || strings.Contains(body, "Measured"); !sourced && name != "Client credentials" {
			t.Errorf("%s: no source", name)
		}
	}
	if len(sections) < 20 {
		t.Errorf("only %d services", len(sections))
	}
	table, _, _ := strings.Cut(string(text), "## Reuse: how")
	for _, field := range provider.Fields() {
		if !strings.Contains(table, "| `"+field.Name+"` |") {
			t.Errorf("the field %s is not explained", field.Name)
		}
	}
}
