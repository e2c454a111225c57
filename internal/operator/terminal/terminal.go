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

// Ask asks at the terminal in, with the question on out, and reads one line. It ends with ctx.
func Ask(ctx context.Context, in io.Reader, out io.Writer, question string) (string, error) {
	f, ok := file(in)
	if !ok {
		return "", errNoTerminal
	}
	_, _ = fmt.Fprintf(out, "%s: ", question)
	type answer struct {
		text []byte
		err  error
	}
	answered := make(chan answer, 1)
	go func() {
		text, err := readLine(f)
		answered <- answer{text, err}
	}()
	select {
	case a := <-answered:
		if a.err != nil {
			return "", fmt.Errorf("read the answer: %w", a.err)
		}
		return strings.TrimSpace(string(a.text)), nil
	case <-ctx.Done():
		_, _ = fmt.Fprintln(out)
		return "", ctx.Err()
	}
}

// readLine reads no further than the end of the line: the rest belongs to the next reader.
func readLine(f *os.File) ([]byte, error) {
	var line []byte
	one := make([]byte, 1)
	for {
		n, err := f.Read(one)
		switch {
		case n == 1 && one[0] == '\n':
			return line, nil
		case n == 1:
			line = append(line, one[0])
		case errors.Is(err, io.EOF) && len(line) > 0:
			return line, nil
		case err != nil:
			return nil, err
		}
	}
}
