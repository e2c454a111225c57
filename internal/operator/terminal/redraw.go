package terminal

import (
	"io"
	"strings"
)

const (
	home      = "\x1b[H"
	clearLine = "\x1b[K"
	clearRest = "\x1b[J"
)

// Redraw writes a text from the top of the terminal over what is there. It clears line by
// line and not first of all, which would flicker.
func Redraw(out io.Writer, text string) error {
	_, err := io.WriteString(out, home+strings.ReplaceAll(text, "\n", clearLine+"\n")+clearRest)
	return err
}
