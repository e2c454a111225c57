package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/internal/operator/invoke"
	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/refresh"
	"tokenrefresh/pkg/store"
)

func resolves(o *options) *cobra.Command {
	var t target
	var e engine
	var yes bool
	var how refresh.Resolution
	ways := choice(&how, refresh.Resolutions...)
	cmd := &cobra.Command{
		Use:   "resolve accept|relogin|discard|retry --provider P [--account A]",
		Short: "Decide for a credential that waits for a person",
		Long: `Resolve does what a person decides, of the credentials of Hesabe, TConnect or an OAuth 2 service:

  accept    make the reply that the last attempt has left current, also over a version that was put there since
  relogin   log in once, now, whatever the state and the back-offs say
  discard   forget the last attempt and what it left: refreshes go on from the version that is current
  retry     present the refresh token of an uncertain credential once more, and never again; it asks first
            (--yes: it doesn't), because a provider that has acted on the token may end the whole chain

It works under the same claim as a run, and refuses what would lose a token. Only retry presents one twice. While a run
is at work it does nothing (busy, exit code 5): its claim ends within two minutes. status tells which of them may help.

A login is made from this machine: the provider sees its address, which Hesabe may filter.`,
		ValidArgs: ways.words,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || ways.Set(args[0]) != nil {
				return fmt.Errorf("say what to do: %s", either(refresh.Resolutions...))
			}
			return nil
		},
	}
	chains := catalog.Those(func(e catalog.Entry) bool { return !e.Sweep })
	t.register(cmd, o, chains, "has no chains; record a transaction again, with a new refresh token")
	e.register(cmd, o)
	cmd.Flags().BoolVar(&yes, "yes", false, "retry: don't ask")
	cmd.RunE = o.run(func(cmd *cobra.Command, args []string) error {
		cfg, err := e.config()
		if err != nil {
			return err
		}
		h, err := o.open(cmd.Context(), home.Options{})
		if err != nil {
			return err
		}
		key := t.key()
		if err := mustExist(cmd.Context(), h, key); err != nil {
			return err
		}
		log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: max(slog.LevelWarn, cfg.LogLevel)}))
		if how == refresh.Retry && !yes {
			if row, _, err := h.Ledger.Row(cmd.Context(), key); err == nil && row.State != store.Uncertain { // nothing to ask about
				return fmt.Errorf("%s: %w: its refresh token is not uncertain", key, refresh.ErrUnresolved)
			}
			question := fmt.Sprintf("%s may have acted on the refresh token of %s. If it has, and takes no token twice, it may end the "+
				"whole chain, and you need a new refresh token. Present it once more?", key.Provider, key.Account)
			if err := confirm(cmd, question); err != nil {
				return err
			}
		}
		// A call that has begun is completed: cutting it short would lose its reply.
		result, err := invoke.Resolve(context.WithoutCancel(cmd.Context()), t.provider, h, cfg, log, t.account, how)
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		text := ended(result, 0, o.given(cmd), time.Now())
		if how == refresh.Discard && result.Outcomes[outcome.Superseded] > 0 {
			text = fmt.Sprintf("%s: superseded\n  the attempt and its reply are dropped; the next run refreshes the current version", key)
		}
		if idle(result) == nil {
			o.acted(cmd, key.Provider, key.Account, args[0]+": "+counted(result.Outcomes))
		}
		if err := o.print(cmd, result, text); err != nil {
			return err
		}
		if err := verdict(result, false); err != nil {
			return err
		}
		return idle(result)
	})
	return cmd
}
