package terminal

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
