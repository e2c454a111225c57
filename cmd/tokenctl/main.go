// Tokenctl is the operator's command.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"tokenrefresh/pkg/telemetry"
)

func main() {
	telemetry.GuardStandardLog(os.Stderr) // net/http may log a provider's bytes there
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
