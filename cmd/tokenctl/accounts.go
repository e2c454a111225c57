package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/internal/operator/seed"
	"tokenrefresh/pkg/config"
	"tokenrefresh/pkg/store"
)

// errNoAccount is in the errors of accounts that do not exist: a name was mistyped.
var errNoAccount = errors.New("there is no such account")

// mustExist returns errNoAccount if an account has neither a row nor a secret for credentials.
func mustExist(ctx context.Context, h *home.Home, key store.Key) error {
	_, exists, err := h.Ledger.Row(ctx, key)
	if err != nil || exists {
		return err
	}
	_, err = h.Secrets.CurrentID(ctx, key, store.Credentials)
	if errors.Is(err, store.ErrNoSecret) {
		return noAccount(ctx, h, key.Account, key.Provider)
	}
	return err
}

// noAccount is the error of an account that no provider has; it lists those that they have.
func noAccount(ctx context.Context, h *home.Home, account string, providers ...string) error {
	var there []string
	for _, provider := range providers {
		rows, err := h.Ledger.Rows(ctx, provider)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if config.ValidAccount(row.Account) {
				there = append(there, row.String())
			}
		}
	}
	if len(there) == 0 {
		return fmt.Errorf("%w %s: the ledger has none yet, of %s", errNoAccount, account, strings.Join(providers, ", "))
	}
	slices.Sort(there)
	return fmt.Errorf("%w %s: there are %s", errNoAccount, account, strings.Join(seed.ShownAll(there), ", "))
}

// completeWithin is how long a shell waits for values; after that it gets none.
const completeWithin = 2 * time.Second

// completeAccounts gives the shell the accounts of these providers, else of those on the line, else of
// all. After an error there are none, and no message.
func (o *options) completeAccounts(cmd *cobra.Command, of ...string) {
	find := func(ctx context.Context, cmd *cobra.Command) []string {
		o.settle(cmd) //nolint:contextcheck // it makes no call
		o.notice = ""
		h, err := o.open(ctx, home.Options{Existing: true})
		if err != nil {
			return nil
		}
		providers := of
		if flag := cmd.Flags().Lookup("provider"); len(providers) == 0 && flag != nil {
			providers = list(flag.Value.String())
		}
		if len(providers) == 0 {
			providers = catalog.Names()
		}
		var accounts []string
		for _, provider := range providers {
			rows, err := h.Ledger.Rows(ctx, provider)
			if err != nil {
				return nil
			}
			for _, row := range rows {
				if !slices.Contains(accounts, row.Account) {
					accounts = append(accounts, row.Account)
				}
			}
		}
		return accounts
	}
	type directive = cobra.ShellCompDirective
	_ = cmd.RegisterFlagCompletionFunc("account", func(cmd *cobra.Command, _ []string, _ string) ([]string, directive) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(cmd.Context()), completeWithin)
		defer cancel()
		return find(ctx, cmd), cobra.ShellCompDirectiveNoFileComp
	})
}
