package main

import (
	"errors"
	"fmt"
	"io/fs"

	"tokenrefresh/internal/operator/home"
	"tokenrefresh/pkg/homes/embedded"
	"tokenrefresh/pkg/store"
)

// The exit codes.
const (
	exitDone = iota
	exitFailed
	exitUsage
	exitPerson
	exitPartly
	exitNothing
	exitStopped = 130 // as of a command that Ctrl-C ends in a shell
)

// exit is an exit code in the help.
type exit struct {
	code int
	says string
}

var exits = []exit{
	{exitDone, "done"},
	{exitFailed, "failed; the message says why and what to do"},
	{exitUsage, "wrong usage"},
	{exitPerson, "a person must act: an outcome is dead, uncertain, misconfigured or persist_failed,\n       or status says so"},
	{exitPartly, "partly done: some records were refused or not stored, and told of"},
	{exitNothing, "nothing was done: a run is at work, a person paused the account, or you said no"},
	{exitStopped, "stopped by Ctrl-C, or by SIGTERM"},
}

var (
	// errUsage is in the errors of arguments that don't go together.
	errUsage = errors.New("wrong usage")
	// errPartly is in the errors of partial success.
	errPartly = errors.New("partly done")
	// errNothing is in the errors of commands that could not begin: a run is at work, a person has
	// paused the account, or the answer to a question was no.
	errNothing = errors.New("nothing was done")
	// errPerson is in the errors of outcomes that wait for a person.
	errPerson = errors.New("a person must act")
	// errStopped is in the errors of commands that a person has stopped.
	errStopped = errors.New("stopped")
)

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
	case errors.Is(err, errStopped):
		return exitStopped
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
