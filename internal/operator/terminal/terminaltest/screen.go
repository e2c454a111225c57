// Package terminaltest is a terminal that a test types at and looks at.
package terminaltest

import (
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"

	"tokenrefresh/internal/operator/terminal"
)

// Screen is a terminal: what is typed into it, and what it shows.
type Screen struct {
	TTY  *os.File // for the program
	keys *os.File

	mu    sync.Mutex
	shown strings.Builder
}

// Open makes one, which ends with the test.
func Open(t *testing.T) *Screen {
	t.Helper()
	keys, tty, err := pty.Open()
	if err != nil {
		t.Skipf("no pseudo-terminal here (%v): a Unix with /dev/ptmx has them", err)
	}
	s := &Screen{keys: keys, TTY: tty}
	t.Cleanup(func() { _, _ = keys.Close(), tty.Close() })
	go func() { _, _ = io.Copy(s, keys) }()
	return s
}

// Asks lets a program ask the person at the terminal. The channel is closed when it has its answer.
func (s *Screen) Asks(program func(terminal.Person)) <-chan struct{} {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		program(terminal.Person{In: s.TTY, Out: s.TTY})
	}()
	return ended
}

// Write takes what the terminal shows.
func (s *Screen) Write(text []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown.Write(text)
}

// Shows is all that was shown until now.
func (s *Screen) Shows() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown.String()
}

// Awaits waits until the screen shows a text.
func (s *Screen) Awaits(t *testing.T, text string) {
	t.Helper()
	for giveUp := time.Now().Add(30 * time.Second); !strings.Contains(s.Shows(), text); {
		if time.Now().After(giveUp) {
			t.Fatalf("%q is not shown: %q", text, s.Shows())
		}
		<-time.After(time.Millisecond)
	}
}

// Types types keys.
func (s *Screen) Types(t *testing.T, keys string) {
	t.Helper()
	if _, err := s.keys.WriteString(keys); err != nil {
		t.Error(err)
	}
}
