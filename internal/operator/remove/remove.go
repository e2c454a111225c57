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
	// ErrOfStack is in the errors of accounts whose secrets a stack has created.
	ErrOfStack = errors.New("the account belongs to a stack")
	// ErrNoAccount is Look's error if there is neither a row nor a secret.
	ErrNoAccount = errors.New("there is no such account")
)

// Remover removes one account.
type Remover struct {
	Home     *home.Home
	Provider catalog.Entry
	Account  string
	// Days is how long the secrets can be restored on AWS, 7 to 30.
	Days int
	// Flags are tokenctl's flags for this home, for printed commands.
	Flags string
	Now   func() time.Time
}

// Plan is what will be removed.
type Plan struct {
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

func (r Remover) key() store.Key { return store.Key{Provider: r.Provider.Name, Account: r.Account} }

// Look finds what to remove. It writes nothing. ErrBusy, ErrOfStack, ErrNoAccount.
func (r Remover) Look(ctx context.Context) (Plan, error) {
	var p Plan
	rows, claims, err := r.Home.Ledger.RowsAndShardClaims(ctx, r.Provider.Name)
	if err != nil {
		return p, err
	}
	var until time.Time // a run is at work until then at most
	for _, row := range rows {
		if row.Account == r.Account {
			p.rows, p.AccessUntil = append(p.rows, row), row.AccessExpiresAt
			if row.Phase == store.Sending {
				until = row.ClaimedUntil
			}
		}
	}
	for _, claim := range claims {
		if claim.Account == r.key() {
			p.rows = append(p.rows, store.Row{
				Key: store.ShardKey(claim.Account, claim.Shard), Fence: claim.Fence, Unreadable: claim.Unreadable,
			})
			if claim.Until.After(until) {
				until = claim.Until
			}
		}
	}
	if r.Now().Before(until) {
		return p, fmt.Errorf("%w on %s until %s at most: try again then", ErrBusy, r.key(), until.UTC().Format(time.RFC3339))
	}
	reply, exists, err := r.Home.Ledger.Row(ctx, store.ReplyKey(r.key()))
	if err != nil {
		return p, err
	}
	if exists {
		p.rows = append(p.rows, reply)
	}
	for _, doc := range r.Provider.Documents() {
		stack, err := r.Home.Editor.SecretOwner(ctx, r.key(), doc)
		switch {
		case errors.Is(err, store.ErrNoSecret):
			continue
		case err != nil:
			return p, err
		case stack != "":
			return p, fmt.Errorf("%w: the secret %s is part of %s and stays with it; to stop its refreshes deploy with the "+
				"provider's schedule DISABLED, or: %s", ErrOfStack, r.name(doc), stack, home.Command("pause", r.key(), r.Flags))
		}
		p.secrets = append(p.secrets, doc)
	}
	if len(p.rows) == 0 && len(p.secrets) == 0 {
		return p, ErrNoAccount
	}
	if r.Provider.Sweep {
		p.Transactions, err = r.transactions(ctx)
	}
	return p, err
}

// transactions reports whether any transaction of the account is still refreshed.
func (r Remover) transactions(ctx context.Context) (bool, error) {
	for shard := range store.Shards {
		due, err := r.Home.Transactions.Due(ctx, r.Account, shard, 1, r.Now())
		if err != nil || len(due) > 0 {
			return len(due) > 0, err
		}
	}
	return false, nil
}

// Do removes what Look has found: the row first, so that no run looks for the secrets. After a
// failure the same call again finishes. ErrBusy if a run has begun since.
func (r Remover) Do(ctx context.Context, p Plan) (Report, error) {
	report := Report{Provider: r.Provider.Name, Account: r.Account, Row: len(p.rows) > 0}
	for _, row := range p.rows {
		err := r.Home.Editor.RemoveRow(ctx, row)
		if lost := (*store.LostError)(nil); errors.As(err, &lost) {
			return report, fmt.Errorf("%w on %s since a moment ago: try again in a minute", ErrBusy, r.key())
		}
		if err != nil {
			return report, err
		}
	}
	for _, doc := range p.secrets {
		at, err := r.Home.Editor.RemoveSecret(ctx, r.key(), doc, r.Days)
		if errors.Is(err, store.ErrNoSecret) {
			continue
		}
		if err != nil {
			return report, fmt.Errorf("the row is removed, this is not yet, run the same command again: %w", err)
		}
		report.Secrets = append(report.Secrets, Removed{r.name(doc), at.UTC().Truncate(time.Second)})
	}
	return report, nil
}

// Secrets are the names of the secrets to remove.
func (r Remover) Secrets(p Plan) []string {
	var names []string
	for _, doc := range p.secrets {
		names = append(names, r.name(doc))
	}
	return names
}

func (r Remover) name(doc store.Document) string {
	return store.NameOf(r.Home.Secrets, r.key(), doc)
}
