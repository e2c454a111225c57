package seed

import (
	"strings"
	"testing"

	"gotest.tools/v3/assert"
)

func TestMeant(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]bool{
		"base_ulr": true, "base_urls": true, "base_rl": true, "baseUrl": true, "BASE-URL": true, "bqse_url": true, "base_url ": true,
		"note": false, "base": false, "url": false, "basement": false, "": false,
	} {
		got := meant(typed, "base_url")
		assert.Check(t, got == want, "%q: %v", typed, got)
	}
}

// Another's name is shown in part, and moves no cursor.
func TestShown(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"colour": "colour", "a b": `"a b"`, "\x1b[2J": `"\x1b[2J"`, "": `""`, "größe": "größe",
		strings.Repeat("ü", 6<<20): strings.Repeat("ü", 64) + "…",
	} {
		got := Shown(name)
		assert.Check(t, got == want, "%.20q is shown as %.100q", name, got)
	}
}
