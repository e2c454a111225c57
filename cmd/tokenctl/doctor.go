package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tokenrefresh/internal/operator/doctor"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/internal/operator/terminal"
)

// callWithin limits a call to AWS; a dry run waits for a whole run of a function. Each check also
// has a limit of its own.
const callWithin = time.Minute

// examining are the flags of doctor.
type examining struct {
	engine   // its environment is that of a machine's providers
	stack    string
	accounts []string
	noInvoke bool
}

func examine(o *options) *cobra.Command {
	var e examining
	cmd := &cobra.Command{
		Use:   "doctor [--stack NAME] [--no-invoke]",
		Short: "Check everything that has to be right, and say how to mend the rest",
		Long: `Doctor looks at everything that has to be right for tokens to stay fresh, and says of each thing whether it
is, and if not why, and what mends it. It changes nothing and calls no provider with credentials.

On AWS these are your own access and clock, the tables, and of each provider the function, its schedule, its
secrets and their keys, its address and its credentials; then the alarms, who hears them, the dead-letter queues
and the dashboard. Each function is invoked once for a dry run, which proves its own permissions. What you may
not look at is reported as skipped, with the permission to ask for.

With --home embedded these are the state file, its directory and disk, the providers' addresses, the credentials,
and by what is due whether "tokenctl run" runs.

Verdicts are ok, warn (nothing is broken by it), fail and skipped. The exit code is 3 where you must do something:
something fails, or you may not look at it.`,
		Args: cobra.NoArgs,
	}
	e.register(cmd, o)
	flags := cmd.Flags()
	flags.StringVar(&e.stack, "stack", "token-refresh", "aws: the `NAME` of the stack")
	o.accounts(cmd, &e.accounts,
		"an `ACCOUNT` that should be kept fresh with each provider, besides those that are; may be given again")
	flags.BoolVar(&e.noInvoke, "no-invoke", false, "aws: leave the functions' dry runs out")
	cmd.RunE = o.run(func(cmd *cobra.Command, _ []string) error { return e.do(cmd, o) })
	return cmd
}

func (e *examining) do(cmd *cobra.Command, o *options) error {
	checks, err := e.checks(cmd, o)
	if err != nil {
		return err
	}
	if errOut := cmd.ErrOrStderr(); terminal.Is(errOut) {
		fmt.Fprintf(errOut, "making %d checks, which may take a minute\n", len(checks))
	}
	report := doctor.Run(cmd.Context(), checks)
	if err := cmd.Context().Err(); err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	if err := o.show(cmd, report, report.Text(terminal.Width(out), terminal.Coloured(out, os.Getenv))); err != nil {
		return err
	}
	var names []string
	for _, f := range report.Findings {
		if f.NeedsPerson() && !slices.Contains(names, f.Check) {
			names = append(names, f.Check)
		}
	}
	if len(names) > 0 {
		return fmt.Errorf("%w: %s", errPerson, strings.Join(names, ", "))
	}
	return nil
}

// checks are those of the home that the flags name.
func (e *examining) checks(cmd *cobra.Command, o *options) ([]doctor.Check, error) {
	named, providers := o.named(home.Options{}), o.chosen()
	if named.Kind == home.Embedded {
		cfg, err := e.config()
		return doctor.Machine{
			State: named.State, Providers: providers, Accounts: e.accounts, Environment: cfg.ProviderEnvironment,
			Flags: o.given(cmd), Now: time.Now,
		}.Checks(), err
	}
	h, err := home.Open(cmd.Context(), named)
	if err != nil {
		return nil, err
	}
	cfg, err := home.LoadAWS(cmd.Context(), named, callWithin)
	return doctor.Stack{
		Config: cfg, Home: h, Name: e.stack,
		SecretPrefix: named.SecretPrefix, LedgerTable: named.LedgerTable, TransactionsTable: named.Table,
		Providers: providers, Accounts: e.accounts, Invoke: !e.noInvoke, Profile: named.Profile, Flags: o.given(cmd), Now: time.Now,
	}.Checks(), err
}
