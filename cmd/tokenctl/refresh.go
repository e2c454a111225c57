package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/internal/operator/invoke"
	"tokenrefresh/pkg/handler"
	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/store"
	"tokenrefresh/pkg/telemetry"
)

// refreshing are the flags of refresh.
type refreshing struct {
	engine
	event    invoke.Event
	provider catalog.Entry
	function string
}

func refreshes(o *options) *cobra.Command {
	var r refreshing
	cmd := &cobra.Command{
		Use:   "refresh [--provider P [--account A]] [--force | --dry-run | --rejected ID]",
		Short: "Run a provider's function once, now, and show how it ends",
		Long: `Refresh does what a function does at a tick: it refreshes what is due, of one account, one provider or all
of them. It runs here, by the same protocol: a function or another run at the same time does no harm. A
running system needs no such call.

With --function it invokes that function on AWS instead, and waits for its answer. Then the provider sees
the function's address and not this one's, which Hesabe may filter; and the event bus is told, which a run
from here does not do.

--rejected says what a reader's callback says: the provider refuses the access token of that attempt, although
it is published. "tokenctl token --json" names it. It counts for the published token of an account at rest, 10 s
old, and at most once in 5 minutes; --force is for all else.

An interrupt lets the run end first, within a minute; a second one ends it at once, which may cost a reply.

--json prints each function's answer, in a line. The exit code is 3 where an outcome needs a person, 1 where
something failed that a later run tries again (transient, rate_limited), and 5 where --force, --account,
--transaction or --rejected asked for something and nothing was done (busy, paused, not_seeded; of --rejected
not_due too).`,
		Args: cobra.NoArgs,
	}
	r.register(cmd, o)
	flags := cmd.Flags()
	names := either(catalog.Names()...)
	o.flag(cmd, "provider", "", "the provider: "+names+" (default all in use)", oneProvider(&r.provider, catalog.All(), ""))
	o.account(cmd, &r.event.Account, "", "the one account with it (default all)")
	flags.BoolVar(&r.event.Force, "force", false, "ignore the due time and back-offs; not a claim, a pause or an uncertain token")
	flags.BoolVar(&r.event.DryRun, "dry-run", false, "read and decide; write nothing and call no provider")
	o.flag(cmd, "transaction", "", "the one Berbix transaction, by its `ID`", id(&r.event.TransactionID))
	flags.StringVar(&r.event.Rejected, "rejected", "", "the `ID` of the attempt whose access token the provider refuses")
	flags.StringVar(&r.function, "function", "", "aws: invoke the function of this `NAME`, such as token-refresh-refresh-hesabe")
	cmd.MarkFlagsMutuallyExclusive("provider", "function")
	for _, flag := range []string{"force", "dry-run", "transaction"} {
		cmd.MarkFlagsMutuallyExclusive("rejected", flag)
	}
	_ = cmd.RegisterFlagCompletionFunc("function", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return o.functions(catalog.Names()...), cobra.ShellCompDirectiveNoFileComp
	})
	cmd.RunE = o.run(func(cmd *cobra.Command, _ []string) error {
		if err := r.check(cmd, o); err != nil {
			return err
		}
		if r.event.Rejected != "" { // the event of a rejection always names the account
			r.event.Account = cmp.Or(r.event.Account, defaultAccount)
		}
		if r.function != "" {
			return r.deployed(cmd, o)
		}
		return r.here(cmd, o)
	})
	return cmd
}

// check finds flags that don't go together.
func (r *refreshing) check(cmd *cobra.Command, o *options) error {
	named := r.provider.Name != "" || r.function != ""
	switch given := cmd.Flags().Changed; {
	case given("function") && (r.function == "" || o.home != home.AWS):
		return fmt.Errorf("%w: --function is the name of a function, and of --home %s alone", errUsage, home.AWS)
	case given("account") && !named:
		return fmt.Errorf("%w: --account needs its --provider", errUsage)
	case given("transaction") && !r.provider.Sweep && r.function == "":
		return fmt.Errorf("%w: --transaction needs --provider %s", errUsage, sweepNames)
	case given("rejected") && (r.event.Rejected == "" || !named || r.provider.Sweep):
		return fmt.Errorf("%w: --rejected is an attempt's id, and needs a --provider whose tokens are in access", errUsage)
	}
	return nil
}

// deployed invokes a function on AWS.
func (r *refreshing) deployed(cmd *cobra.Command, o *options) error {
	function, err := invoke.NewDeployed(cmd.Context(), o.aws(), r.function)
	if err != nil {
		return err
	}
	result, err := function.Invoke(cmd.Context(), r.event)
	if fault := (*invoke.FunctionError)(nil); errors.As(err, &fault) {
		if o.asJSON {
			if err := o.print(cmd, fault, ""); err != nil {
				return err
			}
		}
		if fault.NeedsPerson() {
			return fmt.Errorf("%w: %s", errPerson, fault.Message)
		}
		return fmt.Errorf("the function %s failed: %w", r.function, fault)
	}
	if err != nil {
		return err
	}
	return r.tell(cmd, o, result)
}

// here runs the functions of the providers side by side.
func (r *refreshing) here(cmd *cobra.Command, o *options) error {
	cfg, err := r.config()
	if err != nil {
		return err
	}
	providers := o.chosen(r.provider)
	h, err := o.open(cmd.Context(), home.Options{Connections: cfg.SweepWorkers, Existing: true})
	if err != nil {
		return err
	}
	if r.event.Account != "" {
		if err := mustExist(cmd.Context(), h, store.Key{Provider: r.provider.Name, Account: r.event.Account}); err != nil {
			return err
		}
	}
	log := slog.New(troubles{slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: max(slog.LevelWarn, cfg.LogLevel)})})
	ctx := cmd.Context()
	defer context.AfterFunc(ctx, func() {
		fmt.Fprintln(cmd.ErrOrStderr(), "ending when the run is done; a second interrupt ends at once, which may cost a reply")
	})()
	results := make([]handler.Result, len(providers))
	failed := make([]error, len(providers))
	var runs sync.WaitGroup
	for i, provider := range providers {
		here := invoke.NewHere(provider, h, cfg, log)
		runs.Go(func() { results[i], failed[i] = here.Invoke(context.WithoutCancel(ctx), r.event) })
	}
	runs.Wait()
	results = slices.DeleteFunc(results, func(r handler.Result) bool { return len(r.Outcomes) == 0 })
	told := r.tell(cmd, o, results...)
	if err := h.Fault(); err != nil { // no later run succeeds either
		return err
	}
	same := func(a, b error) bool { return a != nil && b != nil && a.Error() == b.Error() } // all providers share one table
	if err := errors.Join(slices.CompactFunc(failed, same)...); err != nil {
		return errors.Join(told, err)
	}
	if len(results) == 0 {
		return fmt.Errorf("there is nothing to refresh in %s: name another home, or put credentials in with tokenctl seed", h.Name)
	}
	return told
}

// troubles hides the run's own log lines, whose content is printed in another form.
type troubles struct{ slog.Handler }

func (t troubles) Handle(ctx context.Context, record slog.Record) error {
	if record.Message == telemetry.Run || record.Message == telemetry.Summary || !t.Enabled(ctx, record.Level) {
		return nil
	}
	return t.Handler.Handle(ctx, record)
}

// tell prints how the runs ended, and returns their error.
func (r *refreshing) tell(cmd *cobra.Command, o *options, results ...handler.Result) error {
	var worst error
	for _, result := range results {
		if err := o.print(cmd, result, ended(result, r.event.TransactionID, o.given(cmd), time.Now())); err != nil {
			return err
		}
		if r.event.Force && !r.event.DryRun && idle(result) == nil {
			o.acted(cmd, result.Provider, r.event.Account, "--force: "+counted(result.Outcomes))
		}
		if err := verdict(result, r.event.TransactionID != 0); worst == nil || errors.Is(err, errPerson) {
			worst = err
		}
	}
	if worst != nil || !r.insists() {
		return worst
	}
	refused := func(one handler.Result) bool { return r.event.Rejected != "" && one.Outcomes[outcome.NotDue] > 0 }
	if slices.ContainsFunc(results, refused) { // a rejection that is not accepted ends as not due
		return fmt.Errorf("%w: that token is not the published one, is too new, or was rejected a moment ago", errNothing)
	}
	return idle(results...)
}

// insists reports whether a person has asked for more than what is due anyway.
func (r *refreshing) insists() bool {
	return !r.event.DryRun && (r.event.Rejected != "" || r.event.Force || r.event.Account != "" || r.event.TransactionID != 0)
}

// errAgain is in the errors of runs that failed without harm.
var errAgain = errors.New("failed without harm; a later run tries again")

// verdict is the error of a run's result. A dead transaction is an error only if it is the one that
// was asked for.
func verdict(r handler.Result, named bool) error {
	for _, c := range r.Credentials {
		if c.Outcome.NeedsPerson() {
			return fmt.Errorf("%w: %s/%s is %s", errPerson, r.Provider, c.Account, c.Outcome)
		}
	}
	if named && r.Outcomes[outcome.Dead] > 0 {
		return fmt.Errorf("%w: the transaction is dead: record it again with a new refresh token", errPerson)
	}
	passed := maps.Clone(r.Outcomes)
	maps.DeleteFunc(passed, func(what outcome.Outcome, n int) bool { return !what.Passes() || n == 0 })
	if len(passed) == 0 {
		return nil
	}
	return fmt.Errorf("%s: %s: %w", r.Provider, counted(passed), errAgain)
}

// idle is the error of runs that could not do what a person had asked for; nil if one of them did
// something, or found nothing to do.
func idle(results ...handler.Result) error {
	var said []string
	for _, r := range results {
		for what, n := range r.Outcomes {
			switch {
			case n == 0:
			case what.Blocked():
				said = append(said, fmt.Sprintf("%s is %s", r.Provider, what))
			default:
				return nil
			}
		}
	}
	if len(said) == 0 {
		return nil
	}
	slices.Sort(said)
	return fmt.Errorf("%w: %s", errNothing, strings.Join(said, ", "))
}

// ended describes how a run ended. transaction is the one that was asked for; 0: none was. flags
// name the home in printed commands.
func ended(r handler.Result, transaction int64, flags string, now time.Time) string {
	var lines []string
	if entry, err := catalog.Find(r.Provider); err != nil || entry.Sweep {
		subject := r.Provider
		if transaction != 0 {
			subject = fmt.Sprintf("%s transaction %d", r.Provider, transaction)
		}
		lines = append(lines, subject+": "+counted(r.Outcomes))
	}
	for _, c := range r.Credentials {
		lines = append(lines, credentialEnded(r.Provider, c, flags, now)...)
	}
	for _, warning := range r.Warnings {
		lines = append(lines, "  warning: "+warning)
	}
	return strings.Join(lines, "\n")
}

func credentialEnded(provider string, c handler.Credential, flags string, now time.Time) []string {
	key := store.Key{Provider: provider, Account: c.Account}
	said := fmt.Sprintf("%s: %s", key, c.Outcome)
	if at, err := time.Parse(time.RFC3339, c.AccessExpiresAt); err == nil {
		if left := at.Sub(now).Truncate(time.Second); left > 0 {
			said += fmt.Sprintf(", the access token expires in %s", left)
		} else {
			said += fmt.Sprintf(", the access token expired %s ago", -left)
		}
	}
	lines := []string{said}
	add := func(mark, text string) {
		if text != "" {
			lines = append(lines, "  "+mark+strings.ReplaceAll(text, "\n", "\n  "))
		}
	}
	add("because: ", c.Reason)
	if c.Error != "" {
		add("", c.Error)
		add("", loginHere(key, c.Outcome, flags))
	} else {
		add("", whatNow(key, c.Outcome, flags))
	}
	for _, warning := range c.Warnings {
		add("warning: ", warning)
	}
	return lines
}

// loginHere is the login that an error advises, on a home that the error does not know.
func loginHere(key store.Key, what outcome.Outcome, flags string) string {
	entry, err := catalog.Find(key.Provider)
	if err != nil || flags == "" || !entry.Browser || what != outcome.Dead && what != outcome.Uncertain {
		return ""
	}
	return "on this home: " + home.Command("login", key, flags)
}

// whatNow is what to do about an outcome without an error.
func whatNow(key store.Key, what outcome.Outcome, flags string) string {
	switch what {
	case outcome.Busy:
		return "another run is at work, or one has died: its claim ends by itself within two minutes"
	case outcome.Paused:
		return "a person paused it: " + home.Command("resume", key, flags)
	case outcome.NotSeeded: // a warning says what is missing
		text := "put in what is missing: " + home.Command("seed credentials", key, flags)
		if entry, err := catalog.Find(key.Provider); err == nil && !entry.Sweep {
			text += " or " + home.Command(entry.Begins(), key, flags)
		}
		return text
	case outcome.Superseded:
		return "somebody edited the secret meanwhile: the next run refreshes that"
	case outcome.NotDue:
		return "it is not due yet, or backs off after a failure; --force refreshes anyway"
	default:
		return ""
	}
}

// counted lists outcomes with their counts.
func counted(outcomes map[outcome.Outcome]int) string {
	var all []string
	for _, what := range slices.Sorted(maps.Keys(outcomes)) {
		all = append(all, fmt.Sprintf("%s %d", what, outcomes[what]))
	}
	return strings.Join(all, ", ")
}
