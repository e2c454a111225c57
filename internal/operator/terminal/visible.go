package terminal

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Visible escapes the characters of a text that a terminal would obey: those that control it, and
// those that reverse the order of letters. A provider's text, a row or a file name must not move
// the cursor, hide a line or look like our own words. Line breaks and tabs stay; JSON stays JSON
// with the same content.
func Visible(text string) string {
	if !strings.ContainsFunc(text, obeyed) && utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(text, string(utf8.RuneError)) {
		if obeyed(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// obeyed reports whether a terminal obeys a character instead of showing it.
func obeyed(r rune) bool {
	switch r {
	case '\n', '\t':
		return false
	case '\u2028', '\u2029': // breaks of lines and paragraphs
		return true
	}
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
}

// Wrap breaks a text between words into lines of a width, visible as they are. A longer
// word has a line of its own. There is always one line.
func Wrap(text string, width int) []string {
	lines := []string{""}
	for word := range strings.FieldsSeq(Visible(text)) {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = word
		case utf8.RuneCountInString(*last)+1+utf8.RuneCountInString(word) > width:
			lines = append(lines, word)
		default:
			*last += " " + word
		}
	}
	return lines
}

// Hang wraps a text to a width behind a label that takes up indent columns. Further lines begin at
// the same column.
func Hang(label, text string, indent, width int) string {
	return label + strings.Join(Wrap(text, width-indent), "\n"+strings.Repeat(" ", indent)) + "\n"
}
