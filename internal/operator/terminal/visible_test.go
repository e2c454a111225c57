package terminal_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/operator/terminal"
)

func TestVisible(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                "",
		"plain, ünïcode → and 日本":         "plain, ünïcode → and 日本",
		"two\nlines\tand a tab":           "two\nlines\tand a tab",
		"\x1b[2J\x1b[31mred":              `\u001b[2J\u001b[31mred`,
		"\x1b]0;title\x07":                `\u001b]0;title\u0007`,
		"over\rwritten":                   `over\u000dwritten`,
		"back\bspace\x7f":                 `back\u0008space\u007f`,
		"c1 \u009b31m \u0085":             `c1 \u009b31m \u0085`,
		"nul\x00":                         `nul\u0000`,
		"turned \u202egnp.exe \u2066x":    `turned \u202egnp.exe \u2066x`,
		"line\u2028and paragraph\u2029":   `line\u2028and paragraph\u2029`,
		"not \xff\xfe text":               "not \ufffd text",
		"8-bit escape \x9b31m (no UTF-8)": "8-bit escape \ufffd31m (no UTF-8)",
	} {
		assert.Check(t, is.DeepEqual(terminal.Visible(text), want), "%q", text)
	}
}

func FuzzVisible(f *testing.F) {
	f.Add("\x1b[31m", "\u202e")
	f.Fuzz(func(t *testing.T, a, b string) {
		shown := terminal.Visible(a + b)
		if strings.ContainsFunc(shown, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }) {
			t.Errorf("%q", shown)
		}
		written, err := json.Marshal(map[string]string{a: b})
		if err != nil {
			t.Skip()
		}
		var before, after map[string]string
		if json.Unmarshal(written, &before) != nil || json.Unmarshal([]byte(terminal.Visible(string(written))), &after) != nil {
			t.Fatalf("%q is no JSON", terminal.Visible(string(written)))
		}
		assert.Check(t, is.DeepEqual(after, before))
	})
}

func TestWrap(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"":                    {""},
		"one two three":       {"one two", "three"},
		"a-very-long-word on": {"a-very-long-word", "on"},
		"x\n\x1b[1mforged ok": {`x`, `\u001b[1mforged`, `ok`},
	} {
		assert.Check(t, is.DeepEqual(terminal.Wrap(text, 8), want), "%q", text)
	}
}
