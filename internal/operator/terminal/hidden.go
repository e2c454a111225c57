package terminal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"

	"tokenrefresh/pkg/secret"
)

// ErrInterrupted is the error of a question that was answered with Ctrl-C.
var ErrInterrupted = errors.New("interrupted")

// The keys that are no text.
const (
	ctrlC     = 0x03
	ctrlD     = 0x04
	backspace = 0x08
	ctrlU     = 0x15
	escape    = 0x1b
	del       = 0x7f
)

// maxAnswer is the maxAnswer hidden answer.
const maxAnswer = 1 << 20

// AskHidden asks at the terminal in, with the question on out, and shows nothing of the answer. The
// answer ends with the first line after which done returns true: a text of several lines can be
// pasted, and none of it is shown. nil: one line is enough. It ends with ctx.
func AskHidden(
	ctx context.Context, in io.Reader, out io.Writer, question string, done func(text string) bool,
) (secret.String, error) {
	f, ok := file(in)
	if !ok {
		return secret.String{}, errNoTerminal
	}
	if done == nil {
		done = func(string) bool { return true }
	}
	before, err := term.MakeRaw(int(f.Fd())) // before the question: an immediate answer must not be shown either
	if err != nil {
		return secret.String{}, err
	}
	_, _ = fmt.Fprintf(out, "%s: ", question)
	type answer struct {
		text string
		err  error
	}
	answered := make(chan answer, 1)
	go func() {
		text, err := readHidden(f, done)
		answered <- answer{text, err}
	}()
	var got answer
	select {
	case got = <-answered:
	case <-ctx.Done():
		got.err = ctx.Err()
	}
	err = errors.Join(got.err, term.Restore(int(f.Fd()), before))
	_, _ = fmt.Fprintln(out)
	if err != nil {
		return secret.String{}, fmt.Errorf("read the answer: %w", err)
	}
	return secret.New(strings.TrimSpace(got.text)), nil
}

// readHidden reads keys of a terminal in raw mode.
func readHidden(f *os.File, done func(string) bool) (string, error) {
	var text []byte
	key := make([]byte, 1)
	for {
		last := key[0]
		if n, err := f.Read(key); n == 0 || err != nil {
			return "", errors.Join(err, io.ErrUnexpectedEOF)
		}
		switch key[0] {
		case '\r', '\n':
			if last == '\r' && key[0] == '\n' { // one line end, as on Windows
				continue
			}
			if done(string(text)) {
				return string(text), nil
			}
			text = append(text, '\n')
		case ctrlC:
			return "", ErrInterrupted
		case ctrlD:
			return string(text), nil
		case ctrlU:
			text = nil
		case backspace, del:
			_, size := utf8.DecodeLastRune(text)
			text = text[:len(text)-size]
		case escape:
			if err := skipSequence(f, key); err != nil {
				return "", err
			}
		default:
			text = append(text, key[0])
		}
		if len(text) > maxAnswer {
			return "", fmt.Errorf("the answer is longer than %d bytes", maxAnswer)
		}
	}
}

// skipSequence reads the rest of an escape sequence: a key such as an arrow, or the mark of a
// paste.
func skipSequence(f *os.File, key []byte) error {
	for first := true; ; first = false {
		if n, err := f.Read(key); n == 0 || err != nil {
			return errors.Join(err, io.ErrUnexpectedEOF)
		}
		if first && (key[0] == '[' || key[0] == 'O') {
			continue
		}
		if first || key[0] >= '@' && key[0] <= '~' {
			return nil
		}
	}
}
