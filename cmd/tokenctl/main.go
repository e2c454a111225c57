// Tokenctl is the operator's command.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"tokenrefresh/internal/operator/bulk"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/pkg/homes/embedded"
	"tokenrefresh/pkg/store"
	"tokenrefresh/pkg/telemetry"
)

func main() {
	telemetry.GuardStandardLog(os.Stderr) // net/http may log bytes of an answer there
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process as it is
	os.Exit(execute(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// execute runs the command with its arguments and returns its exit code.
func execute(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	var o options
	cmd := root(&o) //nolint:contextcheck // each verb gets it when it is executed
	cmd.SetArgs(args)
	cmd.SetIn(in)
	cmd.SetOut(out)
	cmd.SetErr(errOut)
	err := cmd.ExecuteContext(ctx)
	if child := (*childError)(nil); err != nil && !errors.As(err, &child) {
		complain(errOut, err)
	}
	return codeOf(err, o.began)
}

const help = `Tokenctl looks after the tokens of providers, and after the functions that refresh them.

It works on either home of state: on AWS, where the functions keep theirs, or on a file
of a single machine (--home embedded). On AWS it uses what AWS's own command line uses:
environment variables, profiles, SSO, AWS_ENDPOINT_URL. Where nothing names a home it takes
the state file if there is one and no AWS region is set, else AWS, and says so.

Secrets are read from a file, standard input or a hidden prompt, never from an argument, and
never printed; token and exec alone hand out an access token.

Exit codes:
`

// exitCodes lists the exit codes.
func exitCodes() string {
	var lines []string
	for _, exit := range exits {
		lines = append(lines, fmt.Sprintf("  %3d  %s", exit.code, exit.says))
	}
	return strings.Join(lines, "\n")
}

func root(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:           "tokenctl",
		Short:         "The operator's command of token-refresh",
		Long:          help + exitCodes(),
		Version:       ownVersion(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	cmd.CompletionOptions.HiddenDefaultCmd = false
	cmd.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	o.register(cmd)
	cmd.AddCommand(local(o), victim(o), run(o), statuses(o), examine(o), refreshes(o), resolves(o), record(o), seeds(o), login(o),
		pause(o), resume(o), removes(o), tokens(o), executes(o), versions(o), playground(o), deads(o), revives(o))
	return cmd
}

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
	case errors.Is(err, errStopped), errors.Is(err, bulk.ErrStopped):
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
