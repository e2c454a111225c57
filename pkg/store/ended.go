package store

import (
	"strings"
	"unicode/utf8"

	"tokenrefresh/pkg/outcome"
)

// maxLastError is the size of Row.LastError in bytes: enough for a provider's message, and
// little beside the rest of a row.
const maxLastError = 500

// Ended records how an attempt ended, and the first line of the cause. The lines after it
// say what to do, which changes with what is done.
func (r *Row) Ended(what outcome.Outcome, cause error) {
	r.LastOutcome, r.LastError = what, ""
	if cause == nil {
		return
	}
	line, _, _ := strings.Cut(cause.Error(), "\n")
	if len(line) > maxLastError {
		line = line[:maxLastError]
		for !utf8.ValidString(line) && line != "" { // cut within a character
			line = line[:len(line)-1]
		}
	}
	r.LastError = line
}
