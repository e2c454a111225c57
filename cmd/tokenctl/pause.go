package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/home"
)

func pause(o *options) *cobra.Command {
	return pausing(o, true, &cobra.Command{
		Use:   "pause --provider P [--account A]",
		Short: "Stop the calls to a provider for an account",
		Long: "Pause stops the calls to a provider for an account, until resume. What a run has begun is\n" +
			"finished, and a reply that was stored is still published. Meanwhile the access token runs out.",
	})
}

func resume(o *options) *cobra.Command {
	return pausing(o, false, &cobra.Command{
		Use:   "resume --provider P [--account A]",
		Short: "Let the calls to a provider go on for an account",
	})
}

// pausing makes cmd set a credential's pause, and nothing else of it.
func pausing(o *options, paused bool, cmd *cobra.Command) *cobra.Command {
	var t target
	cmd.Args = cobra.NoArgs
	t.register(cmd, o, catalog.All(), "")
	cmd.RunE = o.run(func(cmd *cobra.Command, _ []string) error {
		h, err := o.open(cmd.Context(), home.Options{Existing: true})
		if err != nil {
			return err
		}
		if err := mustExist(cmd.Context(), h, t.key()); err != nil { // a row would remain, and runs would look for its secrets
			return err
		}
		row, _, err := h.Ledger.Row(cmd.Context(), t.key())
		if err != nil {
			return err
		}
		said := map[bool]string{true: "paused", false: "not paused"}[paused]
		if row.Unreadable == nil && row.Paused == paused {
			said += " before"
		} else if err := h.Ledger.SetPaused(cmd.Context(), t.key(), paused); err != nil {
			return err
		} else {
			o.acted(cmd, t.provider.Name, t.account, "")
		}
		result := map[string]any{"provider": t.provider.Name, "account": t.account, "paused": paused}
		return o.print(cmd, result, fmt.Sprintf("%s: %s", t.key(), said))
	})
	return cmd
}
