package brief_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/pkg/brief"
)

func TestName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"": "", "force": "force", strings.Repeat("é", 64): strings.Repeat("é", 64),
		strings.Repeat("é", 65): strings.Repeat("é", 64) + "…", strings.Repeat("x", 6<<20): strings.Repeat("x", 64) + "…",
	} {
		assert.Check(t, is.Equal(brief.Name(name), want), "of %d bytes", len(name))
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	const begins, ends = "put the item: ", ": deploy the stack again"
	for _, filling := range []string{"", "x", strings.Repeat("x", 5000), strings.Repeat("é", 5000), strings.Repeat("\xff", 5000)} {
		for most := 64; most < 80; most++ {
			text := begins + filling + ends
			got := brief.Text(text, most)
			if len(got) > most || !strings.HasPrefix(got, begins) || !strings.HasSuffix(got, ": deploy the stack again"[8:]) {
				t.Errorf("%d bytes to %d: %q", len(text), most, got)
			}
			if len(text) <= most && got != text || utf8.ValidString(text) && !utf8.ValidString(got) {
				t.Errorf("%d bytes to %d: %q", len(text), most, got)
			}
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	err := brief.Errors(nil, nil)
	assert.Check(t, err == nil, "of no errors: %v", err)
	err = brief.Errors(nil, io.EOF, io.ErrClosedPipe)
	assert.Check(t, err.Error() == "EOF\nio: read/write on closed pipe", "of two: %q", err)
	var many []error
	for i := range 1500 {
		many = append(many, fmt.Errorf("%d: %s", i, strings.Repeat("a long reason ", 1000)))
	}
	last := errors.New("last")
	err = brief.Errors(append(many, last)...)
	lines := strings.Split(err.Error(), "\n")
	if len(err.Error()) > brief.MaxError || len(lines) != brief.Causes+1 || lines[brief.Causes] != "and 1496 more" {
		t.Errorf("%d bytes: %q", len(err.Error()), lines)
	}
	assert.Check(t, errors.Is(err, last), "errors.Is does not see what is not told")
	one := brief.Errors(many[0]).Error()
	assert.Check(t, len(one) <= brief.MaxError && len(one) >= brief.MaxError/2, "of one long error: %d bytes", len(one))
}
