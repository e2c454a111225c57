package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/dead"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/internal/operator/terminal"
	"tokenrefresh/pkg/store"
)

// sweeps are the providers with transactions.
var (
	sweeps     = catalog.Those(func(e catalog.Entry) bool { return e.Sweep })
	sweepNames = either(catalog.NamesOf(sweeps)...)
)

func sweepFlag(cmd *cobra.Command, o *options, to *catalog.Entry, usage string) {
	o.flag(cmd, "provider", sweeps[0].Name, usage, oneProvider(to, sweeps, "has no transactions"))
}

// searching are the flags that select dead transactions.
type searching struct {
	dead.Search
	provider catalog.Entry
}

func (s *searching) register(cmd *cobra.Command, o *options) {
	sweepFlag(cmd, o, &s.provider, "the provider")
	o.account(cmd, &s.Account, defaultAccount, "the account with it", catalog.NamesOf(sweeps)...)
	o.flag(cmd, "since", "", "marked dead at this `TIME` or later: RFC 3339, or how long ago, such as 90m or 3h",
		one(&s.Span.From, "string", moment))
	o.flag(cmd, "until", "", "marked dead before this `TIME`", one(&s.Span.Until, "string", moment))
	cmd.Flags().BoolVar(&s.Undated, "undated", false,
		"add those that an older release marked, without a time; it reads the whole table")
}

// find finds the transactions, and shows how many it has found.
func (s *searching) find(cmd *cobra.Command, h *home.Home) ([]store.DeadEntry, error) {
	bar := terminal.NewBar(cmd.ErrOrStderr(), "looking", -1)
	defer bar.End()
	return s.Find(cmd.Context(), h.Transactions(s.provider.Name), time.Now(), func(n int) { bar.Set(int64(n)) })
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
			at := "-"
			if !one.MarkedAt.IsZero() {
				at = one.MarkedAt.Format(time.RFC3339)
			}
			if err := o.print(cmd, deadRow{one.ID, s.Account, one.MarkedAt}, fmt.Sprintf("%d  %s", one.ID, at)); err != nil {
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

// reviving are the flags of revive.
type reviving struct {
	searching
	file   string
	dryRun bool
}

func revives(o *options) *cobra.Command {
	var r reviving
	cmd := &cobra.Command{
		Use:   "revive {ID… | --file F | --since T [--until T] | --undated} [--account A]",
		Short: "Let Berbix transactions that were marked dead wrongly be refreshed again",
		Long: `Revive makes dead transactions due: the next sweep presents their refresh tokens again. Use it when a gateway
or a wrong API secret has refused tokens that are good. It takes ids, a list of them in a file (a line each, as
"tokenctl dead" prints them; - is standard input), or a span of time in which they were marked dead.

Look first with --dry-run, which writes nothing. A transaction that Berbix refuses is marked dead again. After an
interrupt the same command goes on: what is revived is not dead any more.`,
	}
	r.register(cmd, o)
	cmd.Flags().StringVar(&r.file, "file", "", "revive the transactions that `FILE` lists")
	_ = cmd.MarkFlagFilename("file")
	cmd.Flags().BoolVar(&r.dryRun, "dry-run", false, "count them, and write nothing")
	cmd.RunE = o.run(func(cmd *cobra.Command, args []string) error { return r.do(cmd, o, args) })
	return cmd
}

func (r *reviving) do(cmd *cobra.Command, o *options, args []string) error {
	bySpan := !r.Span.From.IsZero() || !r.Span.Until.IsZero() || r.Undated
	ways := 0
	for _, given := range []bool{bySpan, r.file != "", len(args) > 0} {
		if given {
			ways++
		}
	}
	if ways != 1 {
		return fmt.Errorf("%w: name transactions by their ids, by --file, or by --since, --until and --undated", errUsage)
	}
	ids, err := r.listed(cmd, args)
	if err != nil {
		return err
	}
	h, err := r.open(cmd, o)
	if err != nil {
		return err
	}
	if bySpan {
		if r.Undated && r.Span == (store.Span{}) {
			r.Span.Until = time.Unix(0, 0) // these alone
		}
		all, err := r.find(cmd, h)
		if err != nil {
			return err
		}
		for _, one := range all {
			ids = append(ids, one.ID)
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	return r.revive(cmd, o, h, ids)
}

// listed returns the transactions from arguments or from a file.
func (r *reviving) listed(cmd *cobra.Command, args []string) ([]int64, error) {
	var ids []int64
	for _, arg := range args {
		id, err := strconv.ParseInt(arg, 10, 64)
		if err != nil || id <= 0 {
			return nil, fmt.Errorf("%w: %s is not the id of a transaction, a number above 0", errUsage, quoted(arg))
		}
		ids = append(ids, id)
	}
	if r.file == "" {
		return ids, nil
	}
	in, err := openText(cmd, r.file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }()
	ids, err = dead.ReadIDs(in)
	if err == nil && len(ids) == 0 {
		err = errors.New("it lists no transaction")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.file, err)
	}
	return ids, nil
}

func (r *reviving) revive(cmd *cobra.Command, o *options, h *home.Home, ids []int64) error {
	bar := terminal.NewBar(cmd.ErrOrStderr(), "reviving", int64(len(ids)))
	summary, err := dead.Revive(cmd.Context(), o.sweeper(h, r.provider), r.Account, ids, r.dryRun,
		func(err error) { bar.Say("%v", err) }, func(n int) { bar.Set(int64(n)) })
	bar.End()
	said := fmt.Sprintf("%s/%s: %d revived, the next sweep refreshes them", r.provider.Name, r.Account, summary.Revived)
	if r.dryRun {
		said = fmt.Sprintf("%s/%s: %d would be revived", r.provider.Name, r.Account, summary.WouldRevive)
	}
	said += fmt.Sprintf("; %d not dead, %d failed", summary.NotDead, summary.Failed)
	if summary.Revived > 0 {
		o.acted(cmd, r.provider.Name, r.Account, fmt.Sprintf("%d transactions", summary.Revived))
	}
	if printed := o.print(cmd, summary, said); printed != nil {
		return printed
	}
	switch {
	case err != nil:
		return fmt.Errorf("%w: the same command goes on", errStopped)
	case summary.Failed > 0:
		return fmt.Errorf("%w: see why above, then run the same command again", errPartly)
	}
	return nil
}
