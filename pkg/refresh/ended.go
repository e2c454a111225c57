package refresh

import (
	"strings"
	"unicode/utf8"

	"tokenrefresh/pkg/outcome"
)

// lastErrorMost is the size of Row.LastError: enough for a provider's message, and little
// beside the rest of a row.
const lastErrorMost = 500

// Ended writes down how an attempt ended, and the first line of the cause: what follows
// says what to do, which changes with what is done.
func (r *Row) Ended(what outcome.Outcome, cause error) {
	r.LastOutcome, r.LastError = what, ""
	if cause == nil {
		return
	}
	line, _, _ := strings.Cut(cause.Error(), "\n")
	if len(line) > lastErrorMost {
		line = line[:lastErrorMost]
		for !utf8.ValidString(line) && line != "" { // cut amid a character
			line = line[:len(line)-1]
		}
	}
	r.LastError = line
}
