package main

import (
	"errors"
	"io/fs"

	"tokenrefresh/pkg/homes/embedded"
	"tokenrefresh/pkg/store"
)

// The exit codes, as the help tells them.
const (
	exitDone = iota
	exitFailed
	exitUsage
	exitPerson
	exitPartly
)

// errUsage is in the errors of arguments that don't go together.
var errUsage = errors.New("wrong usage")

// errPartly is in the errors of what was done in part.
var errPartly = errors.New("partly done")

// errPerson is in the errors of outcomes that wait for a person.
var errPerson = errors.New("a person must act")

// codeOf is the exit code of an error. began: the verb's own work had begun; before
// that, whatever is wrong is wrong with the arguments.
func codeOf(err error, began bool) int {
	trouble, ok := errors.AsType[*embedded.Trouble](err)
	switch {
	case err == nil:
		return exitDone
	case ok && trouble.Kind != embedded.Exposed: // a script knows 1 from what the tokens need
		return exitFailed
	case !began, errors.Is(err, errUsage):
		return exitUsage
	case errors.Is(err, errPartly):
		return exitPartly
	case errors.Is(err, errPerson), errors.Is(err, store.ErrForbidden),
		errors.Is(err, fs.ErrPermission):
		return exitPerson
	}
	return exitFailed
}
