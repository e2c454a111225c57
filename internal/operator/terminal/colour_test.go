package terminal_test

import (
	"bytes"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/operator/terminal"
)

func TestPaint(t *testing.T) {
	t.Parallel()
	got := terminal.Red.Paint("act")
	assert.Check(t, got == "\x1b[31mact\x1b[0m", "%q", got)
	got = terminal.Plain.Paint("act") + terminal.Red.Paint("")
	assert.Check(t, got == "act", "%q", got)
}

func TestNoColourWithoutATerminal(t *testing.T) {
	t.Parallel()
	assert.Check(t, !terminal.Coloured(&bytes.Buffer{}, func(string) string { return "" }), "a buffer is coloured")
}

// A shorter text clears the rest of a longer one before it.
func TestRedraw(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	assert.NilError(t, terminal.Redraw(&out, "a\nb\n"))
	got, want := out.String(), "\x1b[Ha\x1b[K\nb\x1b[K\n\x1b[J"
	assert.Check(t, got == want, "%q, want %q", got, want)
}
