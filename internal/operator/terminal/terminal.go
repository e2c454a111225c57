// Package terminal writes to and reads from people at a terminal, and detects whether there is one.
package terminal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// defaultWidth is the width of a terminal that does not report it, and without a terminal.
const defaultWidth = 80

// file returns the file behind a stream that is a terminal.
func file(stream any) (*os.File, bool) {
	f, ok := stream.(*os.File)
	return f, ok && term.IsTerminal(int(f.Fd()))
}

// Is reports whether a stream is a terminal.
func Is(stream any) bool {
	_, ok := file(stream)
	return ok
}

// Width is how many characters fit into a line of a stream.
func Width(stream any) int {
	if f, ok := file(stream); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return defaultWidth
}

// Height is how many lines a terminal has; 0: not known, or not a terminal.
func Height(stream any) int {
	if f, ok := file(stream); ok {
		if _, height, err := term.GetSize(int(f.Fd())); err == nil {
			return height
		}
	}
	return 0
}

// errNoTerminal is the error of a question without a terminal.
var errNoTerminal = errors.New("there is no terminal to ask at")

// Person sits at a terminal.
type Person struct {
	In  io.Reader
	Out io.Writer
}

// Ask asks a question and reads one line. It ends with ctx.
func (p Person) Ask(ctx context.Context, question string) (string, error) {
	if !Is(p.In) {
		return "", errNoTerminal
	}
	_, _ = fmt.Fprintf(p.Out, "%s: ", question)
	line, err := ReadLine(ctx, p.In)
	if ctx.Err() != nil {
		_, _ = fmt.Fprintln(p.Out)
	}
	return line, err
}

// ReadLine reads a line, and no further than its end: the rest belongs to the next reader. It
// ends with ctx.
func ReadLine(ctx context.Context, in io.Reader) (string, error) {
	text, err := await(ctx, func() (string, error) {
		var line []byte
		one := make([]byte, 1)
		for len(line) <= maxAnswer {
			n, err := in.Read(one)
			switch {
			case n == 1 && one[0] == '\n', errors.Is(err, io.EOF) && len(line) > 0:
				return string(line), nil
			case n == 1:
				line = append(line, one[0])
			case err != nil:
				return "", err
			}
		}
		return "", errTooLong
	})
	if err != nil {
		err = fmt.Errorf("read the answer: %w", err)
	}
	return strings.TrimSpace(text), err
}

// await returns what read returns, or the error of ctx, with which a read does not end by itself.
func await[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	answers := make(chan answer, 1)
	go func() {
		value, err := read()
		answers <- answer{value, err}
	}()
	select {
	case a := <-answers:
		return a.value, a.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// Colour is a foreground colour of a terminal.
type Colour string

// The colours, of the eight that every terminal has.
const (
	Plain  Colour = ""
	Red    Colour = "31"
	Green  Colour = "32"
	Yellow Colour = "33"
)

// Paint colours a text.
func (c Colour) Paint(text string) string {
	if c == Plain || text == "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

// Coloured reports whether a stream takes colours: it is a terminal that knows them, and
// the user has not turned them off (https://no-color.org).
func Coloured(stream any, getenv func(string) string) bool {
	return getenv("NO_COLOR") == "" && getenv("TERM") != "dumb" && Is(stream)
}

const (
	home      = "\x1b[H"
	clearLine = "\x1b[K"
	clearRest = "\x1b[J"
)

// Redraw writes a text over the terminal's content, from the top. It clears line by line, because
// clearing all first would flicker.
func Redraw(out io.Writer, text string) error {
	_, err := io.WriteString(out, home+strings.ReplaceAll(text, "\n", clearLine+"\n")+clearRest)
	return err
}
