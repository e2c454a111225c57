package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/internal/operator/remove"
	"tokenrefresh/internal/operator/seed"
)

// The recovery windows that Secrets Manager offers, in days.
const (
	minWindow = 7
	maxWindow = 30
)

// removing are the flags of remove.
type removing struct {
	target
	days int
	yes  bool
}

func removes(o *options) *cobra.Command {
	var r removing
	cmd := &cobra.Command{
		Use:   "remove --provider P --account A",
		Short: "Take an account out: its row in the ledger, and its secrets",
		Long: `Remove ends the refreshes of an account: it removes the account's row from the ledger, and then its secrets. It
asks first (--yes: it doesn't). The provider is not called: tokens that it has handed out live until they end.

On AWS the secrets can be restored for 30 days, or as many as --recovery-days says; the command that restores
one is printed. In a state file they are gone at once. While a run is at work on the account, nothing is removed
(exit code 5). An account whose secrets are part of the stack, "default" as a rule, is refused: pause it, or
switch the provider's schedule off. Take the account out of the parameter Accounts too, if it is there.

Berbix transactions of the account stay in the table until they end; nothing refreshes them any more.`,
		Args: cobra.NoArgs,
	}
	r.register(cmd, o, catalog.All(), "")
	_ = cmd.MarkFlagRequired("account")
	o.flag(cmd, "recovery-days", maxWindow,
		fmt.Sprintf("aws: `DAYS` for which the secrets can be restored, %d to %d", minWindow, maxWindow),
		whole(&r.days, minWindow, maxWindow))
	cmd.Flags().BoolVar(&r.yes, "yes", false, "don't ask")
	cmd.RunE = o.run(func(cmd *cobra.Command, _ []string) error { return r.do(cmd, o) })
	return cmd
}

func (r *removing) do(cmd *cobra.Command, o *options) error {
	h, err := o.open(cmd.Context(), home.Options{Existing: true})
	if err != nil {
		return err
	}
	account := remove.Account{Home: h, Provider: r.provider, Key: r.key(), Days: r.days, Flags: o.given(cmd)}
	switch err := account.Look(cmd.Context()); {
	case errors.Is(err, remove.ErrNoAccount):
		return noAccount(cmd.Context(), h, r.account, r.provider.Name)
	case err != nil:
		return nothingIfBusy(err)
	}
	if !r.yes {
		if err := confirm(cmd, question(&account)); err != nil {
			return err
		}
	}
	report, err := account.Remove(cmd.Context())
	if err != nil {
		return nothingIfBusy(err)
	}
	o.acted(cmd, r.provider.Name, r.account, "")
	lines := []string{r.key().String() + ": removed"}
	for _, s := range report.Secrets {
		line := "  the secret " + s.Name
		if time.Until(s.At) > time.Hour { // not of a file
			line += fmt.Sprintf(", for good on %s; until then: aws secretsmanager restore-secret --secret-id %s",
				s.At.Format(time.DateOnly), s.Name)
		}
		lines = append(lines, line)
	}
	return o.print(cmd, report, strings.Join(lines, "\n"))
}

// nothingIfBusy marks an error as errNothing if a run is at work.
func nothingIfBusy(err error) error {
	if errors.Is(err, remove.ErrBusy) || errors.Is(err, seed.ErrBusy) {
		return fmt.Errorf("%w: %w", errNothing, err)
	}
	return err
}

func question(account *remove.Account) string {
	lines := []string{fmt.Sprintf("This removes %s from %s: its row in the ledger", account.Key, account.Home.Name)}
	for _, name := range account.Secrets() {
		lines = append(lines, "  and the secret "+name)
	}
	if left := time.Until(account.AccessUntil).Truncate(time.Second); left > 0 {
		lines = append(lines, fmt.Sprintf("Services still use it: its access token ends in %s, and no new one follows.", left))
	}
	if account.Transactions {
		lines = append(lines, "It has open transactions, which nothing would refresh any more.")
	}
	return strings.Join(append(lines, "Remove it?"), "\n")
}
