package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/health"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/internal/operator/seed"
	"tokenrefresh/internal/operator/status"
	"tokenrefresh/internal/operator/terminal"
	"tokenrefresh/pkg/store"
)

// minRedraw is the shortest interval between looks: each makes some calls for each account.
const minRedraw = time.Second

// looking are the flags of status.
type looking struct {
	provider    catalog.Entry
	account     string
	transaction int64
	watch       bool
	every       time.Duration
	only        []health.State
}

// states are those that --only may name.
var states = []health.State{health.Act, health.Warn, health.OK}

func statuses(o *options) *cobra.Command {
	var l looking
	cmd := &cobra.Command{
		Use:   "status [--provider P] [--account A] [--only STATE] [--watch | --transaction ID]",
		Short: "Show all credentials: until when they live, what is wrong, and how to mend it",
		Long: `Status reads the ledger and the secrets, and writes nothing. It shows a row for each credential:

  OUTCOME  how the last run ended that did something
  ACCESS   in what time the access token ends; of Berbix the first
  REFRESH  in what time the refresh token ends, where the provider tells
  SUCCESS  when new tokens were last stored
  NEXT     in what time a run will try something; of Berbix also how many transactions are due now

the worst first, and below it what is the matter ("warn": it heals by itself, or harms nobody yet; "act": you must do
something) and what to do. The exit code is 3 where you must do something.

With --watch it looks again and again until Ctrl-C, and ends with 0. Where there is no terminal it prints a line each
time, with --json an object. On AWS a look makes four calls an account, of Berbix eighteen.

With --transaction it shows one Berbix transaction instead; the exit code is 3 if that is dead.

docs/status.md describes the JSON, and what can be the matter.`,
		Args: cobra.NoArgs,
	}
	flags := cmd.Flags()
	names := either(catalog.Names()...)
	o.flag(cmd, "provider", "", "of one provider: "+names, oneProvider(&l.provider, catalog.All(), ""))
	o.account(cmd, &l.account, "", "of one account")
	o.flag(cmd, "only", "", "show those in this `STATE` alone: act, warn or ok; may be given again",
		many(&l.only, "strings", choosing(states...)))
	flags.BoolVar(&l.watch, "watch", false, "look again and again")
	o.flag(cmd, "every", 5*time.Second, "with --watch: how often",
		lasting(&l.every, minRedraw.String()+" or longer", minRedraw, math.MaxInt64))
	o.flag(cmd, "transaction", "", "show the one Berbix transaction of that `ID`", id(&l.transaction))
	cmd.MarkFlagsMutuallyExclusive("watch", "transaction")
	cmd.MarkFlagsMutuallyExclusive("only", "transaction")
	cmd.RunE = o.run(func(cmd *cobra.Command, _ []string) error { return l.do(cmd, o) })
	return cmd
}

func (l *looking) do(cmd *cobra.Command, o *options) error {
	if l.transaction != 0 {
		return l.one(cmd, o)
	}
	entries := o.chosen(l.provider)
	var accounts []string
	if l.account != "" {
		accounts = []string{l.account}
	}
	h, err := o.open(cmd.Context(), home.Options{Existing: true})
	if err != nil {
		return err
	}
	reader := health.Reader{
		Home: h, Providers: entries, All: len(o.providers) > 0, Accounts: accounts, Flags: o.given(cmd),
	}
	look := func(ctx context.Context) (status.Report, error) {
		credentials, err := reader.Read(ctx, time.Now())
		if err == nil && l.account != "" {
			credentials = slices.DeleteFunc(credentials, health.Credential.Absent)
			if len(credentials) == 0 {
				err = noAccount(ctx, h, l.account, catalog.NamesOf(entries)...)
			}
		}
		return status.New(credentials, time.Now()), o.explained(err)
	}
	if l.watch {
		return status.Watch(cmd.Context(), l.every, look, func(r status.Report, err error) error {
			return l.redraw(cmd, o, h, r.Only(l.only...), err)
		})
	}
	report, err := look(cmd.Context())
	if err != nil {
		return err
	}
	shown := report.Only(l.only...)
	if err := o.show(cmd, shown, strings.TrimSuffix(shown.Table(style(cmd)), "\n")); err != nil {
		return err
	}
	return needsPerson(report)
}

// one shows one transaction.
func (l *looking) one(cmd *cobra.Command, o *options) error {
	if l.provider.Name != "" && !l.provider.Sweep {
		return fmt.Errorf("%w: --transaction is of --provider %s", errUsage, sweepNames)
	}
	h, err := o.open(cmd.Context(), home.Options{Existing: true})
	if err != nil {
		return err
	}
	flags := o.given(cmd)
	if l.provider.Name != "" && l.provider.Name != sweeps[0].Name { // record and revive default to the first
		flags = "--provider " + l.provider.Name + " " + flags
	}
	row, found, err := h.Transactions(cmp.Or(l.provider.Name, sweeps[0].Name)).Get(cmd.Context(), l.transaction)
	if err == nil && (!found || l.account != "" && row.Account != l.account) {
		err = fmt.Errorf("transaction %d is not recorded: record it: %s", l.transaction,
			strings.TrimSpace(fmt.Sprintf("tokenctl record --transaction-id %d %s", l.transaction, flags)))
	}
	if err != nil {
		return err
	}
	report := status.NewTransaction(row, time.Now())
	if err := o.print(cmd, report, report.Text()); err != nil {
		return err
	}
	if report.Status == store.StatusDead {
		return fmt.Errorf("%w: begin a new transaction, or, if it was refused wrongly: %s", errPerson,
			strings.TrimSpace(fmt.Sprintf("tokenctl revive %d --account %s %s", report.ID, report.Account, flags)))
	}
	return nil
}

// needsPerson is an error if a person must act.
func needsPerson(report status.Report) error {
	var names []string
	for _, c := range report.Credentials {
		if c.State == health.Act {
			names = append(names, c.Provider+"/"+c.Account)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s", errPerson, strings.Join(seed.ShownAll(names), ", "))
}

func style(cmd *cobra.Command) status.Style {
	out := cmd.OutOrStdout()
	return status.Style{Width: terminal.Width(out), Fit: terminal.Is(out), Colour: terminal.Coloured(out, os.Getenv)}
}

// above are the lines of a redrawn screen that are not the table's.
const above = 3

// redraw shows one look of many.
func (l *looking) redraw(cmd *cobra.Command, o *options, h *home.Home, report status.Report, err error) error {
	out := cmd.OutOrStdout()
	switch {
	case o.asJSON && err == nil:
		return o.print(cmd, report, "")
	case err != nil && (o.asJSON || !terminal.Is(out)):
		complain(cmd.ErrOrStderr(), err)
		return nil
	case !terminal.Is(out):
		_, err = fmt.Fprintln(out, report.Line())
		return err
	}
	var text bytes.Buffer
	fmt.Fprintf(&text, "%s, every %s: %s\n\n", h.Name, l.every, report.At.Format(time.RFC3339))
	if err != nil {
		fmt.Fprintln(&text, terminal.Visible(err.Error()))
	} else {
		look := style(cmd)
		look.Height = max(0, terminal.Height(out)-above)
		text.WriteString(report.Table(look))
	}
	return terminal.Redraw(out, text.String())
}
