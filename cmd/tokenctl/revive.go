package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"tokenrefresh/internal/operator/dead"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/internal/operator/terminal"
)

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
	cmd.Flags().BoolVar(&r.dryRun, "dry-run", false, "count them, and write nothing")
	cmd.RunE = o.run(func(cmd *cobra.Command, args []string) error { return r.do(cmd, o, args) })
	return cmd
}

func (r *reviving) do(cmd *cobra.Command, o *options, args []string) error {
	search, err := r.search(time.Now())
	if err != nil {
		return err
	}
	bySpan := r.since != "" || r.until != "" || r.undated
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
	h, err := o.open(cmd.Context(), home.Options{Existing: true, Connections: awsWorkers})
	if err != nil {
		return err
	}
	if bySpan {
		if r.undated && r.since == "" && r.until == "" {
			search.Span.Until = time.Unix(0, 0) // these alone
		}
		all, err := find(cmd, h.Transactions(r.provider), search)
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
	text := cmd.InOrStdin()
	if r.file != "-" {
		file, err := os.Open(r.file)
		if err != nil {
			return nil, err
		}
		defer func() { _ = file.Close() }()
		text = file
	}
	ids, err := dead.ReadIDs(text)
	if err == nil && len(ids) == 0 {
		err = errors.New("it lists no transaction")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.file, err)
	}
	return ids, nil
}

func (r *reviving) revive(cmd *cobra.Command, o *options, h *home.Home, ids []int64) error {
	workers := recording{provider: r.provider, workers: awsWorkers}
	if o.home == string(home.Embedded) {
		workers.workers = maxWorkers
	}
	engine, err := workers.engine(h)
	if err != nil {
		return err
	}
	bar := terminal.NewBar(cmd.ErrOrStderr(), "reviving", int64(len(ids)))
	summary, err := dead.Reviver{
		Engine: engine, Account: r.account, DryRun: r.dryRun,
		Failed: func(err error) { bar.Say("%v", err) }, Done: func(n int) { bar.Set(int64(n)) },
	}.Revive(cmd.Context(), ids)
	bar.End()
	said := fmt.Sprintf("%s/%s: %d revived, the next sweep refreshes them", r.provider, r.account, summary.Revived)
	if r.dryRun {
		said = fmt.Sprintf("%s/%s: %d would be revived", r.provider, r.account, summary.WouldRevive)
	}
	said += fmt.Sprintf("; %d not dead, %d failed", summary.NotDead, summary.Failed)
	if summary.Revived > 0 {
		o.acted(cmd, r.provider, r.account, fmt.Sprintf("%d transactions", summary.Revived))
	}
	if printed := o.print(cmd, summary, said); printed != nil {
		return printed
	}
	switch {
	case err != nil:
		return fmt.Errorf("%w: the same command goes on", err)
	case summary.Failed > 0:
		return fmt.Errorf("%w: see why above, then run the same command again", errPartly)
	}
	return nil
}
