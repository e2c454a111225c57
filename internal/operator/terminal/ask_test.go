package terminal_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/operator/terminal"
	"tokenrefresh/internal/operator/terminal/terminaltest"
	"tokenrefresh/pkg/secret"
)

func TestAskHidden(t *testing.T) {
	t.Parallel()
	closed := func(text string) bool { return strings.Count(text, "{") == strings.Count(text, "}") }
	for name, tt := range map[string]struct {
		keys, want string
		done       func(string) bool
		err        error
	}{
		"a line":           {keys: "hunter2\r", want: "hunter2"},
		"corrected":        {keys: "hunterü\x7f2\r", want: "hunter2"},
		"begun anew":       {keys: "x\x15hunter2\r", want: "hunter2"},
		"arrows":           {keys: "\x1b[Ahun\x1bOBter\x1b[1;5C2\r", want: "hunter2"},
		"a marked paste":   {keys: "\x1b[200~hunter2\x1b[201~\r", want: "hunter2"},
		"several lines":    {keys: "{\r\n \"hunter2\":\r 1\r}\r", want: "{\n \"hunter2\":\n 1\n}", done: closed},
		"nothing":          {keys: "\r"},
		"longer than 4096": {keys: strings.Repeat("hunter2", 1000) + "\r", want: strings.Repeat("hunter2", 1000)},
		"interrupted":      {keys: "hunter2\x03", err: context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := terminaltest.Open(t)
			var got secret.String
			var err error
			answered := s.Asks(func(p terminal.Person) { got, err = p.AskHidden(t.Context(), "password", tt.done) })
			s.Awaits(t, "password: ")
			s.Types(t, tt.keys)
			<-answered
			assert.Check(t, got.Reveal() == tt.want && errors.Is(err, tt.err),
				"%d bytes %q, %v", len(got.Reveal()), got.Reveal(), err)
			assert.Check(t, !strings.Contains(s.Shows(), "hunter2"), "it is shown: %q", s.Shows())
		})
	}
}

// A question can be cancelled, and the terminal is restored.
func TestAskHiddenEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := terminaltest.Open(t)
	ctx, cancel := context.WithCancel(t.Context())
	var err error
	failed := s.Asks(func(p terminal.Person) { _, err = p.AskHidden(ctx, "password", nil) })
	s.Awaits(t, "password: ")
	cancel()
	<-failed
	assert.Check(t, errors.Is(err, context.Canceled), "error %v", err)
	s.Types(t, "shown again\n")
	s.Awaits(t, "shown again")
}

func TestAsk(t *testing.T) {
	t.Parallel()
	s := terminaltest.Open(t)
	var got string
	var err error
	answered := s.Asks(func(p terminal.Person) { got, err = p.Ask(t.Context(), "username") })
	s.Awaits(t, "username: ")
	s.Types(t, " somebody \n")
	<-answered
	assert.Check(t, got == "somebody" && err == nil, "%q, %v", got, err)
	s.Awaits(t, "somebody")
}

func TestNobodyToAsk(t *testing.T) {
	t.Parallel()
	_, err := (terminal.Person{In: strings.NewReader("x\n"), Out: io.Discard}).AskHidden(t.Context(), "password", nil)
	assert.Check(t, err != nil, "a reader answers")
}
