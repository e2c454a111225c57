// Tokenctl is the operator's command.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"

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
