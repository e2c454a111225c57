package terminal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"

	"tokenrefresh/pkg/secret"
)

// The keys that are no text.
const (
	ctrlC     = 0x03
	ctrlD     = 0x04
	backspace = 0x08
	ctrlU     = 0x15
	escape    = 0x1b
	del       = 0x7f
)

// maxAnswer is how many bytes an answer may have.
const maxAnswer = 1 << 20

var errTooLong = fmt.Errorf("the answer is longer than %d bytes", maxAnswer)

// AskHidden asks a question and shows nothing of the answer. The answer ends with the first line
// after which done returns true: a text of several lines can be pasted, and none of it is shown.
// nil: one line is enough. It ends with ctx, and with Ctrl-C as if that had cancelled ctx.
func (p Person) AskHidden(ctx context.Context, question string, done func(text string) bool) (secret.String, error) {
	f, ok := file(p.In)
	if !ok {
		return secret.String{}, errNoTerminal
	}
	before, err := term.MakeRaw(int(f.Fd())) // before the question: an immediate answer must not be shown either
	if err != nil {
		return secret.String{}, err
	}
	_, _ = fmt.Fprintf(p.Out, "%s: ", question)
	text, err := await(ctx, func() (string, error) { return readHidden(f, done) })
	err = errors.Join(err, term.Restore(int(f.Fd()), before))
	_, _ = fmt.Fprintln(p.Out)
	if err != nil {
		return secret.String{}, fmt.Errorf("read the answer: %w", err)
	}
	return secret.New(strings.TrimSpace(text)), nil
}

// readHidden reads keys of a terminal in raw mode.
func readHidden(in io.Reader, done func(string) bool) (string, error) {
	var text []byte
	key := make([]byte, 1)
	for {
		last := key[0]
		if n, err := in.Read(key); n == 0 || err != nil {
			return "", errors.Join(err, io.ErrUnexpectedEOF)
		}
		switch key[0] {
		case '\r', '\n':
			if last == '\r' && key[0] == '\n' { // one line end, as on Windows
				continue
			}
			if done == nil || done(string(text)) {
				return string(text), nil
			}
			text = append(text, '\n')
		case ctrlC:
			return "", context.Canceled
		case ctrlD:
			return string(text), nil
		case ctrlU:
			text = nil
		case backspace, del:
			_, size := utf8.DecodeLastRune(text)
			text = text[:len(text)-size]
		case escape:
			if err := skipSequence(in, key); err != nil {
				return "", err
			}
		default:
			text = append(text, key[0])
		}
		if len(text) > maxAnswer {
			return "", errTooLong
		}
	}
}

// skipSequence reads the rest of an escape sequence: a key such as an arrow, or the mark of a
// paste.
func skipSequence(in io.Reader, key []byte) error {
	for first := true; ; first = false {
		if n, err := in.Read(key); n == 0 || err != nil {
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
