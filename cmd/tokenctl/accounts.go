package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tokenrefresh/internal/operator/home"
	"tokenrefresh/pkg/config"
	"tokenrefresh/pkg/store"
)

// maxListed is how many accounts an error lists.
const maxListed = 20

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
	return fmt.Errorf("%w %s: there are %s", errNoAccount, account, strings.Join(first(there), ", "))
}

// first lists the first of some names, and how many more there are.
func first(names []string) []string {
	if more := len(names) - maxListed; more > 0 {
		return append(slices.Clone(names[:maxListed]), fmt.Sprintf("and %d more", more))
	}
	return names
}
