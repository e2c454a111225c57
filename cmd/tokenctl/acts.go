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
	"tokenrefresh/pkg/announce"
	"tokenrefresh/pkg/release"
)

// recordWithin is how long a completed act waits for its record.
const recordWithin = 5 * time.Second

// acted records what this command has done. A record that fails is a warning: the act is done.
func (o *options) acted(cmd *cobra.Command, provider, account, details string) {
	act := announce.Act{
		At: time.Now().UTC(), Act: strings.TrimPrefix(cmd.CommandPath(), "tokenctl "), Provider: provider, Account: account,
		Details: details, Tool: "tokenctl " + release.Version,
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(cmd.Context()), recordWithin)
	defer cancel()
	if err := o.recorder(ctx, cmd).Record(ctx, act); err != nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "warning: done, and not recorded everywhere (docs/operations.md#who-did-what): %v\n", err)
	}
}

// recorder records acts on this home.
func (o *options) recorder(ctx context.Context, cmd *cobra.Command) acts.Recorder {
	if o.home == home.AWS {
		named := o.aws()
		named.Watch = nil // the verb is done: its errors have another cause
		cfg, err := home.LoadAWS(ctx, named, recordWithin)
		if err == nil {
			return acts.AWS{
				Config: cfg, Providers: catalog.Names(),
				Function: func(provider string) string { return o.tablePrefix + "-refresh-" + provider },
			}
		}
	}
	return acts.Log{Log: slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))}
}
