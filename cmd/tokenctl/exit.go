package main

import (
	"errors"
	"fmt"
	"io/fs"

	"tokenrefresh/internal/operator/home"
	"tokenrefresh/pkg/homes/embedded"
	"tokenrefresh/pkg/store"
)

// The exit codes, as the help lists them.
const (
	exitDone = iota
	exitFailed
	exitUsage
	exitPerson
	exitPartly
	exitNothing
)

// errUsage is in the errors of arguments that don't go together.
var errUsage = errors.New("wrong usage")

// errPartly is in the errors of partial success.
var errPartly = errors.New("partly done")

// errNothing is in the errors of commands that could not begin: a run is at work, a person has
// paused the account, or the answer to a question was no.
var errNothing = errors.New("nothing was done")

// errPerson is in the errors of outcomes that wait for a person.
var errPerson = errors.New("a person must act")

// childError is the end of a command that exec has run. That command has printed its own errors.
type childError struct{ code int }

// Error implements error.
func (e *childError) Error() string { return fmt.Sprintf("the command ended with %d", e.code) }

// codeOf is the exit code of an error. began: the verb's own work had begun; an error before that
// is about the arguments.
func codeOf(err error, began bool) int {
	child, trouble := (*childError)(nil), (*home.AccessError)(nil)
	file, isFile := errors.AsType[*embedded.TroubleError](err)
	switch {
	case errors.As(err, &child):
		return child.code
	case err == nil:
		return exitDone
	case isFile && file.Kind != embedded.Exposed: // a script needs 1, and not the code for tokens
		return exitFailed
	case !began, errors.Is(err, errUsage):
		return exitUsage
	case errors.Is(err, errPartly):
		return exitPartly
	case errors.Is(err, errNothing):
		return exitNothing
	case errors.As(err, &trouble) && trouble.Passing:
		return exitFailed
	case trouble != nil && !trouble.Beside, errors.Is(err, errPerson), errors.Is(err, store.ErrForbidden),
		errors.Is(err, fs.ErrPermission):
		return exitPerson
	}
	return exitFailed
}
