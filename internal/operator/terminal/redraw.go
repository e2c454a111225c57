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

// Redraw writes a text over the terminal's content, from the top. It clears line by line, because
// clearing all first would flicker.
func Redraw(out io.Writer, text string) error {
	_, err := io.WriteString(out, home+strings.ReplaceAll(text, "\n", clearLine+"\n")+clearRest)
	return err
}
