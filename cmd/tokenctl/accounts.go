package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tokenrefresh/internal/operator/home"
	"tokenrefresh/pkg/config"
)

// errNoAccount is in the errors of accounts that nobody has set up: a name was mistyped.
var errNoAccount = errors.New("there is no such account")

// noAccount is the error of an account that none of the providers has; it lists those
// that they have.
func noAccount(ctx context.Context, h *home.Home, account string, providers ...string) error {
	var there []string
	for _, provider := range providers {
		rows, err := h.Ledger.Rows(ctx, provider)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if config.ValidAccount(row.Account) { // and not the claim of a shard
				there = append(there, row.String())
			}
		}
	}
	if len(there) == 0 {
		return fmt.Errorf("%w %s: the ledger has none yet, of %s", errNoAccount, account, strings.Join(providers, ", "))
	}
	slices.Sort(there)
	return fmt.Errorf("%w %s: there are %s", errNoAccount, account, strings.Join(there, ", "))
}
