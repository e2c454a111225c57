package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tokenrefresh/internal/operator/acts"
	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/internal/operator/terminal"
	"tokenrefresh/pkg/announce"
	"tokenrefresh/pkg/release"
)

// recordWithin is how long a completed act waits for its record.
const recordWithin = 5 * time.Second

// acted records what this command has done: on AWS in the log of the provider's function, or of all.
// A record that fails is a warning: the act is done.
func (o *options) acted(cmd *cobra.Command, provider, account, details string) {
	act := announce.Act{
		At: time.Now().UTC(), Act: strings.TrimPrefix(cmd.CommandPath(), "tokenctl "), Provider: provider, Account: account,
		Details: details, Tool: "tokenctl " + release.Version,
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(cmd.Context()), recordWithin)
	defer cancel()
	if o.home != home.AWS {
		acts.OnMachine(ctx, slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil)), act)
		return
	}
	named := o.aws()
	named.Watch = nil // the verb is done: its errors have another cause
	cfg, err := home.LoadAWS(ctx, named, recordWithin)
	if err == nil {
		functions := o.functions(catalog.Names()...)
		if provider != "" {
			functions = o.functions(provider)
		}
		err = acts.OnAWS(ctx, cfg, act, functions...)
	}
	if err != nil {
		fmt.Fprintln(cmd.ErrOrStderr(), "warning: it is done, and not in the log of what people did (docs/operations.md#who-did-what):")
		fmt.Fprintln(cmd.ErrOrStderr(), terminal.Visible(err.Error()))
	}
}
