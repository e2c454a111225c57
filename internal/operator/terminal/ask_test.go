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
		"interrupted":      {keys: "hunter2\x03", err: terminal.ErrInterrupted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := terminaltest.Open(t)
			type answer struct {
				text secret.String
				err  error
			}
			answers := make(chan answer)
			go func() {
				text, err := terminal.AskHidden(t.Context(), s.TTY, s.TTY, "password", tt.done)
				answers <- answer{text, err}
			}()
			s.Awaits(t, "password: ")
			s.Types(t, tt.keys)
			got := <-answers
			if got.text.Reveal() != tt.want || !errors.Is(got.err, tt.err) {
				t.Errorf("%d bytes %q, %v", len(got.text.Reveal()), got.text.Reveal(), got.err)
			}
			if strings.Contains(s.Shows(), "hunter2") {
				t.Errorf("it is shown: %q", s.Shows())
			}
		})
	}
}

// A question can be cancelled, and the terminal is restored.
func TestAskHiddenEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := terminaltest.Open(t)
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error)
	go func() {
		_, err := terminal.AskHidden(ctx, s.TTY, s.TTY, "password", nil)
		failed <- err
	}()
	s.Awaits(t, "password: ")
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	s.Types(t, "shown again\n")
	s.Awaits(t, "shown again")
}

func TestAsk(t *testing.T) {
	t.Parallel()
	s := terminaltest.Open(t)
	answers := make(chan string)
	go func() {
		text, err := terminal.Ask(t.Context(), s.TTY, s.TTY, "username")
		assert.Check(t, err)
		answers <- text
	}()
	s.Awaits(t, "username: ")
	s.Types(t, " somebody \n")
	if got := <-answers; got != "somebody" {
		t.Errorf("%q", got)
	}
	s.Awaits(t, "somebody")
}

func TestNobodyToAsk(t *testing.T) {
	t.Parallel()
	if _, err := terminal.AskHidden(t.Context(), strings.NewReader("x\n"), io.Discard, "password", nil); err == nil {
		t.Error("a reader answers")
	}
}
