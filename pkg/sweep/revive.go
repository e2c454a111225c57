package sweep

import (
	"context"
	"errors"
	"fmt"

	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/store"
)

// Revival is the result of reviving a transaction.
type Revival string

// The revivals.
const (
	Revived     Revival = "revived"
	WouldRevive Revival = "would_revive" // dry run
	NotDead     Revival = "not_dead"     // it is alive, ended or not recorded
	NotRevived  Revival = "failed"       // the error says why
)

// RevivedRow is the result for one transaction.
type RevivedRow struct {
	TransactionID int64
	Revival       Revival
	Err           error // of NotRevived; safe to print
}

// Revive makes dead transactions of an account due: the next sweep presents their refresh
// tokens again. Each is written once, if it is still dead. The results are in the order of
// ids. Another call with the same ids does no harm.
func (e *Engine) Revive(ctx context.Context, account string, ids []int64, dryRun bool) []RevivedRow {
	results := make([]RevivedRow, len(ids))
	pace.Each(len(ids), e.Workers, func(i int) { results[i] = e.revive(ctx, account, ids[i], dryRun) })
	return results
}

func (e *Engine) revive(ctx context.Context, account string, id int64, dryRun bool) RevivedRow {
	result := RevivedRow{TransactionID: id, Revival: NotDead}
	fail := func(err error) RevivedRow {
		result.Revival, result.Err = NotRevived, fmt.Errorf("revive transaction %d: %w", id, err)
		return result
	}
	now := e.Now()
	t, found, err := e.Transactions.Get(ctx, id)
	switch {
	case err != nil:
		return fail(err)
	case !found, t.Status != store.StatusDead, !t.ExpiresAt.IsZero() && !now.Before(t.ExpiresAt):
		return result
	case t.Account != account:
		return fail(fmt.Errorf("it is of account %s", t.Account))
	case t.RefreshToken.Blank():
		return fail(errors.New("it has no refresh token: record it again"))
	case dryRun:
		result.Revival = WouldRevive
		return result
	}
	err = retry(ctx, reviveTries, func(ctx context.Context) error {
		return e.Transactions.Update(ctx, alive(t, now), t.RefreshToken)
	})
	switch {
	case errors.Is(err, store.ErrChanged):
		return result // recorded again meanwhile
	case err != nil:
		return fail(err)
	}
	result.Revival = Revived
	return result
}

// reviveTries is how often writing a row is tried.
const reviveTries = 4
