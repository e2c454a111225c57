// Package brief limits the length of errors. Lambda sends the error of a failed run to a queue
// together with its event, and loses both if they are too large.
package brief

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	// MaxError is how many bytes the text of an error has at most.
	MaxError = 4 << 10
	// Causes is how many errors of a list are shown; the others are counted.
	Causes = 5
	// MaxText is how many bytes the error of one result has at most: a run may have many results.
	MaxText = 1 << 10
	// maxName is how many characters of a name are shown.
	maxName = 64
	// around is the size of a list's text without its causes.
	around = 96
)

// Name cuts a name that somebody else chose to 64 characters.
func Name(name string) string {
	n := 0
	for i := range name {
		if n++; n > maxName {
			return name[:i] + "…"
		}
	}
	return name
}

// Text cuts a text to so many bytes, which must be 16 or more. It cuts in the middle: the
// beginning says what failed, and the end what to do.
func Text(text string, most int) string {
	const gap = " … "
	if len(text) <= most {
		return text
	}
	head, tail := (most-len(gap))*2/3, len(text)-(most-len(gap))/3
	for head > 0 && !utf8.RuneStart(text[head]) {
		head--
	}
	for tail < len(text) && !utf8.RuneStart(text[tail]) {
		tail++
	}
	return text[:head] + gap + text[tail:]
}

// Errors joins errors into one that shows the first five and counts the others, in 4 KB at most.
// nil errors are left out. errors.Is and errors.As see all. It returns nil if there are none.
func Errors(errs ...error) error {
	errs = slices.DeleteFunc(slices.Clone(errs), func(err error) bool { return err == nil })
	if len(errs) == 0 {
		return nil
	}
	return &several{errs}
}

type several struct{ errs []error }

// Unwrap gives the errors to errors.Is and errors.As.
func (s *several) Unwrap() []error { return s.errs }

// Error implements error.
func (s *several) Error() string {
	told := s.errs[:min(len(s.errs), Causes)]
	lines := make([]string, 0, len(told)+1)
	for _, err := range told {
		lines = append(lines, Text(err.Error(), (MaxError-around)/len(told)))
	}
	if more := len(s.errs) - len(told); more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(lines, "\n")
}
