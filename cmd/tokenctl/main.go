// Tokenctl is the operator's command.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := root().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "tokenctl:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has run
	}
}

func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:           "tokenctl",
		Short:         "The operator's command of token-refresh",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	cmd.AddCommand(local(), victim())
	return cmd
}
