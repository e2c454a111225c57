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
		_, err := provider.Open(secret.New(found[0]))
		assert.Check(t, err == nil, "%s: %v", name, err)
		var fields map[string]any
		err = json.Unmarshal([]byte(found[0]), &fields)
		assert.Check(t, err == nil, "%s: %v", name, err)
		for field := range fields {
			known := func(f providers.Field) bool { return f.Name == field }
			assert.Check(t, slices.ContainsFunc(provider.Fields(), known), "%s: the field %s is not known", name, field)
		}
		if !strings.Contains(found[0], `"refresh_token_reuse"`) && !strings.Contains(found[0], `"login_params"`) {
			t.Errorf("%s: it does not say how long a token is taken again", name)
		}
		if sourced := strings.Contains(body, "](https://") || strings.Contains(body, "Measured"); !sourced && name != "Client credentials" {
			t.Errorf("%s: no source", name)
		}
	}
	assert.Check(t, len(sections) >= 20, "only %d services", len(sections))
	table, _, _ := strings.Cut(string(text), "## Reuse: how")
	for _, field := range provider.Fields() {
		assert.Check(t, strings.Contains(table, "| `"+field.Name+"` |"), "the field %s is not explained", field.Name)
	}
}
