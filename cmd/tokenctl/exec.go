package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"tokenrefresh/pkg/reader"
)

// The exit codes of commands that cannot be run, as those of a shell.
const (
	exitNotExecutable = 126
	exitNotFound      = 127
	exitSignalled     = 128 // and the signal's number
)

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func executes(o *options) *cobra.Command {
	var r reading
	var variable string
	cmd := &cobra.Command{
		Use:   "exec --provider P [--account A | --transaction ID] [--min-life D] -- COMMAND [ARGUMENT …]",
		Short: "Run a command with an access token in its environment",
		Long: `Exec runs a command with an access token that is valid now in its environment, and ends as the command does.

  ACCESS_TOKEN             the token (--env gives it another name)
  ACCESS_TOKEN_TYPE        as the provider names it: Bearer
  ACCESS_TOKEN_EXPIRES_AT  when it ends, RFC 3339
  CLIENT_TOKEN             of a Berbix transaction, its client token

  tokenctl exec --provider hesabe --min-life 5m -- sh -c 'curl -H "Authorization: Bearer $ACCESS_TOKEN" https://…'

The token stays as it is while the command runs: ask for a life that is longer than the command takes. After a
refresh Hesabe takes the old token no more: a command that runs for minutes should ask "tokenctl token" again.

Where there is no such token the command is not run. Signals are passed on. The exit code is the command's, 127
where there is no such command and 126 where it cannot be run.`,
		Args: cobra.MinimumNArgs(1),
	}
	r.register(cmd, o)
	cmd.Flags().StringVar(&variable, "env", "ACCESS_TOKEN", "`NAME` of the variable that holds the token")
	cmd.Flags().SetInterspersed(false) // what follows the command's name is the command's
	cmd.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return nil, cobra.ShellCompDirectiveDefault
	}
	cmd.RunE = o.run(func(cmd *cobra.Command, args []string) error {
		if !variableName.MatchString(variable) {
			return fmt.Errorf("%w: --env must be the name of a variable", errUsage)
		}
		token, err := r.read(cmd, o)
		if err != nil {
			return err
		}
		return runWith(cmd, variable, token, args)
	})
	return cmd
}

// runWith runs the command and passes signals on to it. A *childError tells how it ended.
func runWith(cmd *cobra.Command, variable string, token reader.Token, args []string) error {
	lasting := context.WithoutCancel(cmd.Context()) // the signal is passed on instead
	child := exec.CommandContext(lasting, args[0], args[1:]...)
	child.Stdin, child.Stdout, child.Stderr = cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()
	child.Env = append(os.Environ(),
		variable+"="+token.AccessToken.Reveal(),
		"ACCESS_TOKEN_TYPE="+typeOf(token),
		"ACCESS_TOKEN_EXPIRES_AT="+token.ExpiresAt.UTC().Format(time.RFC3339))
	if !token.ClientToken.Blank() {
		child.Env = append(child.Env, "CLIENT_TOKEN="+token.ClientToken.Reveal())
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer close(signals)
	defer signal.Stop(signals)
	if err := child.Start(); err != nil {
		complain(cmd.ErrOrStderr(), err)
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
			return &childError{exitNotFound}
		}
		return &childError{exitNotExecutable}
	}
	go func() {
		for got := range signals {
			if got != os.Interrupt { // which the terminal sends to both
				_ = child.Process.Signal(got)
			}
		}
	}()
	err := child.Wait()
	ended, failed := errors.AsType[*exec.ExitError](err)
	if !failed {
		return err
	}
	if status, ok := ended.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return &childError{exitSignalled + int(status.Signal())}
	}
	return &childError{ended.ExitCode()}
}
