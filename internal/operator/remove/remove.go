// Package remove takes an account out of a home: its row in the ledger and its secrets.
package remove

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/pkg/store"
)

var (
	// ErrBusy is in the errors of accounts that a run is working on. Nothing was removed.
	ErrBusy = errors.New("a run is at work")
	// ErrNoAccount is Look's error if there is neither a row nor a secret.
	ErrNoAccount = errors.New("there is no such account")
)

// Account is the account to remove.
type Account struct {
	Home     *home.Home
	Provider catalog.Entry
	Key      store.Key
	// Days is how long the secrets can be restored on AWS, 7 to 30.
	Days int
	// Flags are tokenctl's flags for this home, for printed commands.
	Flags string

	// What Look has found.
	rows    []store.Row // the account's, a reply that was kept, and the claims on its transactions
	secrets []store.Document
	// AccessUntil is when the published access token ends; zero: unknown.
	AccessUntil time.Time
	// Transactions: some transactions are still refreshed.
	Transactions bool
}

// Report is what was removed.
type Report struct {
	Provider string    `json:"provider"`
	Account  string    `json:"account"`
	Row      bool      `json:"row"` // the ledger had one
	Secrets  []Removed `json:"secrets"`
}

// Removed is a secret and when it is gone for good.
type Removed struct {
	Name string    `json:"name"`
	At   time.Time `json:"at"`
}

// Look finds what to remove. It writes nothing. ErrBusy, ErrNoAccount. An account whose secrets a
// stack has created is refused.
func (a *Account) Look(ctx context.Context) error {
	rows, claims, err := a.Home.Ledger.RowsAndShardClaims(ctx, a.Key.Provider)
	if err != nil {
		return err
	}
	var until time.Time // a run is at work until then at most
	for _, row := range rows {
		if row.Key == a.Key {
			a.rows, a.AccessUntil = append(a.rows, row), row.AccessExpiresAt
			if row.Phase == store.Sending {
				until = row.ClaimedUntil
			}
		}
	}
	for _, claim := range claims {
		if claim.Account == a.Key {
			a.rows = append(a.rows, store.Row{
				Key: store.ShardKey(claim.Account, claim.Shard), Fence: claim.Fence, Unreadable: claim.Unreadable,
			})
			if claim.Until.After(until) {
				until = claim.Until
			}
		}
	}
	if time.Now().Before(until) {
		return fmt.Errorf("%w on %s until %s at most: try again then", ErrBusy, a.Key, until.UTC().Format(time.RFC3339))
	}
	reply, exists, err := a.Home.Ledger.Row(ctx, store.ReplyKey(a.Key))
	if err != nil {
		return err
	}
	if exists {
		a.rows = append(a.rows, reply)
	}
	for _, doc := range a.Provider.Documents() {
		stack, err := a.Home.Editor.SecretOwner(ctx, a.Key, doc)
		switch {
		case errors.Is(err, store.ErrNoSecret):
			continue
		case err != nil:
			return err
		case stack != "":
			return fmt.Errorf("the account belongs to a stack: the secret %s is part of %s and stays with it; to stop its refreshes "+
				"deploy with the provider's schedule DISABLED, or: %s", a.name(doc), stack, home.Command("pause", a.Key, a.Flags))
		}
		a.secrets = append(a.secrets, doc)
	}
	if len(a.rows) == 0 && len(a.secrets) == 0 {
		return ErrNoAccount
	}
	for shard := 0; a.Provider.Sweep && shard < store.Shards && !a.Transactions; shard++ {
		due, err := a.Home.Transactions(a.Provider.Name).Due(ctx, a.Key.Account, shard, 1, time.Now())
		if err != nil {
			return err
		}
		a.Transactions = len(due) > 0
	}
	return nil
}

// Secrets are the names of the secrets to remove.
func (a *Account) Secrets() []string {
	var names []string
	for _, doc := range a.secrets {
		names = append(names, a.name(doc))
	}
	return names
}

func (a *Account) name(doc store.Document) string { return store.NameOf(a.Home.Secrets, a.Key, doc) }

// Remove removes what Look has found: the row first, so that no run looks for the secrets. After a
// failure the same call again finishes. ErrBusy if a run has begun since.
func (a *Account) Remove(ctx context.Context) (Report, error) {
	report := Report{Provider: a.Key.Provider, Account: a.Key.Account, Row: len(a.rows) > 0}
	for _, row := range a.rows {
		err := a.Home.Editor.RemoveRow(ctx, row)
		if lost := (*store.LostError)(nil); errors.As(err, &lost) {
			return report, fmt.Errorf("%w on %s since a moment ago: try again in a minute", ErrBusy, a.Key)
		}
		if err != nil {
			return report, err
		}
	}
	for _, doc := range a.secrets {
		at, err := a.Home.Editor.RemoveSecret(ctx, a.Key, doc, a.Days)
		if errors.Is(err, store.ErrNoSecret) {
			continue
		}
		if err != nil {
			return report, fmt.Errorf("the row is removed, this is not yet, run the same command again: %w", err)
		}
		report.Secrets = append(report.Secrets, Removed{a.name(doc), at.UTC().Truncate(time.Second)})
	}
	return report, nil
}
