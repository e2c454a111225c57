// Package brief bounds what errors say. Lambda hands the error of a failed run on with its
// event, and what is too large for a queue is lost together with that event.
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
	// Causes is how many errors of a list are told; the others are counted.
	Causes = 5
	// MaxText is how many bytes the error of one result has at most: they may be many.
	MaxText = 1 << 10
	// maxName is how many characters of a name are told.
	maxName = 64
	// around is what the text of a list says besides its causes.
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

// Errors joins errors, nil ones left out, into one that tells the first five and counts the
// others, in 4 KB at most. errors.Is and errors.As see them all. It returns nil where there
// are none.
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
