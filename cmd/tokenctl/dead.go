package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/dead"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/internal/operator/terminal"
	"tokenrefresh/pkg/store"
)

// sweeps are the providers with transactions.
var sweeps = catalog.Those(func(e catalog.Entry) bool { return e.Sweep })

func sweepFlag(cmd *cobra.Command, o *options, to *catalog.Entry, usage string) {
	o.flag(cmd, "provider", sweeps[0].Name, usage, oneProvider(to, sweeps, "has no transactions"))
}

// searching are the flags that select dead transactions.
type searching struct {
	dead.Search
	provider catalog.Entry
}

func (s *searching) register(cmd *cobra.Command, o *options) {
	flags := cmd.Flags()
	sweepFlag(cmd, o, &s.provider, "the provider")
	o.account(cmd, &s.Account, defaultAccount, "the account with it", catalog.NamesOf(sweeps)...)
	o.flag(cmd, "since", "", "marked dead at this `TIME` or later: RFC 3339, or how long ago, such as 90m or 3h", moment(&s.Span.From))
	o.flag(cmd, "until", "", "marked dead before this `TIME`", moment(&s.Span.Until))
	flags.BoolVar(&s.Undated, "undated", false,
		"add those that an older release marked, without a time; it reads the whole table")
}

// find finds the transactions, and shows how many it has found.
func (s *searching) find(cmd *cobra.Command, h *home.Home) ([]store.DeadEntry, error) {
	bar := terminal.NewBar(cmd.ErrOrStderr(), "looking", -1)
	defer bar.End()
	return s.Find(cmd.Context(), h, time.Now(), func(n int) { bar.Set(int64(n)) })
}

// open opens the home, if the span has a length.
func (s *searching) open(cmd *cobra.Command, o *options) (*home.Home, error) {
	if until := s.Span.Until; !until.IsZero() && !s.Span.From.Before(until) {
		return nil, fmt.Errorf("%w: --since must be before --until", errUsage)
	}
	return o.open(cmd.Context(), home.Options{Existing: true, Connections: awsWorkers})
}

// deadRow is a dead transaction in JSON, one on each line.
type deadRow struct {
	ID       int64     `json:"transaction_id"`
	Account  string    `json:"account"`
	MarkedAt time.Time `json:"marked_at,omitzero"`
}

func deads(o *options) *cobra.Command {
	var s searching
	cmd := &cobra.Command{
		Use:   "dead [--account A] [--since T] [--until T]",
		Short: "List the Berbix transactions that were marked dead",
		Long: `Dead lists the transactions whose refresh tokens Berbix has refused, and since when: a line each, the latest
first, with --json as JSON lines. "tokenctl revive --file" takes such a list. A transaction that has ended leaves
the list when its time to live is over, or as soon as it is recorded as completed or deleted.`,
		Args: cobra.NoArgs,
	}
	s.register(cmd, o)
	cmd.RunE = o.run(func(cmd *cobra.Command, _ []string) error {
		h, err := s.open(cmd, o)
		if err != nil {
			return err
		}
		all, err := s.find(cmd, h)
		if err != nil {
			return err
		}
		for _, one := range all {
			if o.asJSON {
				err = json.NewEncoder(cmd.OutOrStdout()).Encode(deadRow{one.ID, s.Account, one.MarkedAt})
			} else {
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d  %s\n", one.ID, markedAt(one))
			}
			if err != nil {
				return err
			}
		}
		if !o.asJSON {
			fmt.Fprintf(cmd.ErrOrStderr(), "%d dead transactions of %s/%s\n", len(all), s.provider.Name, s.Account)
			if !s.Undated {
				fmt.Fprintln(cmd.ErrOrStderr(), "those that an older release marked have no time: --undated looks for them")
			}
		}
		return nil
	})
	return cmd
}

func markedAt(one store.DeadEntry) string {
	if one.MarkedAt.IsZero() {
		return "-"
	}
	return one.MarkedAt.Format(time.RFC3339)
}
