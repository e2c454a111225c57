// Package terminal speaks to people at a terminal, and notices where there is none.
package terminal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"tokenrefresh/pkg/secret"
)

// defaultWidth is that of a terminal which does not tell, and of none.
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

// Ask asks at the terminal in, with the question on out, and reads one line; hidden:
// without showing it. It ends with ctx.
func Ask(ctx context.Context, in io.Reader, out io.Writer, question string, hidden bool) (secret.String, error) {
	f, ok := file(in)
	if !ok {
		return secret.String{}, errors.New("there is no terminal to ask at")
	}
	before, err := term.GetState(int(f.Fd()))
	if err != nil {
		return secret.String{}, err
	}
	_, _ = fmt.Fprintf(out, "%s: ", question)
	type answer struct {
		text []byte
		err  error
	}
	answered := make(chan answer, 1)
	go func() {
		if hidden {
			text, err := term.ReadPassword(int(f.Fd()))
			answered <- answer{text, err}
			return
		}
		text, err := readLine(f)
		answered <- answer{text, err}
	}()
	select {
	case a := <-answered:
		if hidden {
			_, _ = fmt.Fprintln(out)
		}
		if a.err != nil {
			return secret.String{}, fmt.Errorf("read the answer: %w", a.err)
		}
		return secret.New(strings.TrimSpace(string(a.text))), nil
	case <-ctx.Done():
		_, _ = fmt.Fprintln(out)
		return secret.String{}, errors.Join(ctx.Err(), term.Restore(int(f.Fd()), before))
	}
}

// readLine reads no further than the end of the line: the rest is another's.
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
