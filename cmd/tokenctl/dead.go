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

// searching are the flags that select dead transactions.
type searching struct {
	provider, account, since, until string
	undated                         bool
}

func (s *searching) register(cmd *cobra.Command, o *options) {
	flags := cmd.Flags()
	flags.StringVar(&s.provider, "provider", catalog.Sweeps()[0], "the provider")
	flags.StringVar(&s.account, "account", "default", "the account with it")
	flags.StringVar(&s.since, "since", "", "marked dead at this `TIME` or later: RFC 3339, or how long ago, such as 90m or 3h")
	flags.StringVar(&s.until, "until", "", "marked dead before this `TIME`")
	flags.BoolVar(&s.undated, "undated", false,
		"add those that an older release marked, without a time; it reads the whole table")
	complete(cmd, "provider", catalog.Sweeps()...)
	o.completeAccounts(cmd, catalog.Sweeps()...)
	complete(cmd, "since")
	complete(cmd, "until")
}

// search returns the search that the flags describe.
func (s *searching) search(now time.Time) (dead.Search, error) {
	search := dead.Search{Account: s.account, Undated: s.undated}
	if _, err := catalog.FindSweep(s.provider); err != nil {
		return search, fmt.Errorf("%w: --provider: %w", errUsage, err)
	}
	if err := validAccount(s.account); err != nil {
		return search, err
	}
	for _, bound := range []struct {
		flag, text string
		at         *time.Time
	}{{"since", s.since, &search.Span.From}, {"until", s.until, &search.Span.Until}} {
		if bound.text == "" {
			continue
		}
		at, err := moment(bound.text, now)
		if err != nil {
			return search, fmt.Errorf("%w: --%s must be a time such as %s, or how long ago, such as 90m",
				errUsage, bound.flag, now.UTC().Format(time.RFC3339))
		}
		*bound.at = at
	}
	if until := search.Span.Until; !until.IsZero() && !search.Span.From.Before(until) {
		return search, fmt.Errorf("%w: --since must be before --until", errUsage)
	}
	return search, nil
}

// moment reads a time, or how long ago it was.
func moment(text string, now time.Time) (time.Time, error) {
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	return time.Parse(time.RFC3339, text)
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
		search, err := s.search(time.Now())
		if err != nil {
			return err
		}
		h, err := o.open(cmd.Context(), home.Options{Existing: true})
		if err != nil {
			return err
		}
		all, err := find(cmd, h.Transactions(s.provider), search)
		if err != nil {
			return err
		}
		for _, one := range all {
			if o.asJSON {
				err = json.NewEncoder(cmd.OutOrStdout()).Encode(deadRow{one.ID, search.Account, one.MarkedAt})
			} else {
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d  %s\n", one.ID, markedAt(one))
			}
			if err != nil {
				return err
			}
		}
		if !o.asJSON {
			fmt.Fprintf(cmd.ErrOrStderr(), "%d dead transactions of %s/%s\n", len(all), s.provider, search.Account)
			if !search.Undated {
				fmt.Fprintln(cmd.ErrOrStderr(), "those that an older release marked have no time: --undated looks for them")
			}
		}
		return nil
	})
	return cmd
}

// find finds dead transactions, and shows how many it has found.
func find(cmd *cobra.Command, in home.Transactions, search dead.Search) ([]store.DeadEntry, error) {
	bar := terminal.NewBar(cmd.ErrOrStderr(), "looking", -1)
	defer bar.End()
	return search.Find(cmd.Context(), in, time.Now(), func(n int) { bar.Set(int64(n)) })
}

func markedAt(one store.DeadEntry) string {
	if one.MarkedAt.IsZero() {
		return "-"
	}
	return one.MarkedAt.Format(time.RFC3339)
}
