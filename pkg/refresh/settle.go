package refresh

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/store"
)

// settle ends the attempt, because of cause where there is one: one write, on the
// condition that the claim is still ours. An error leaves the row as sending; the next tick finishes it then.
func (a *attempt) settle(ctx context.Context, what outcome.Outcome, cause error) error {
	guard := a.held()
	a.row.Phase = store.Idle
	a.row.CredentialsVersionID = a.read.credentials.ID
	a.count(what, cause)
	err := a.retry(ctx, 0, func(ctx context.Context) error { return a.Ledger.Write(ctx, a.row, guard) })
	var lost *store.LostError
	if errors.As(err, &lost) && lost.Exists && a.settled(lost.Current) {
		return nil // the try before had been done
	}
	if err != nil {
		return fmt.Errorf("settle in the ledger: %w", err)
	}
	return nil
}

// settled reports whether row shows that this attempt was: as it was written, or by a
// later claim that goes on from the version that it made current.
func (a *attempt) settled(row store.Row) bool {
	if row.Fence > a.row.Fence {
		ours := a.row.AttemptID
		return a.row.VersionID == ours && (row.VersionID == ours || row.BaseVersionID == ours)
	}
	return row.Fence == a.row.Fence && row.ClaimedBy == a.row.ClaimedBy && row.Phase == store.Idle
}

// settleStored ends an attempt whose tokens are current. published is what became
// of access; where it failed the row stays due for a repair without the provider.
func (a *attempt) settleStored(ctx context.Context, c chain, published error, success outcome.Outcome) Result {
	id := c.attemptID
	result := Result{Outcome: success, Source: c.source, VersionID: id, AccessExpiresAt: c.accessExpiresAt, AttemptID: id}
	if published == nil {
		a.row.PublishedVersionID = id
	} else {
		result.Outcome = outcome.PersistFailed
		result.Err = a.at(store.AccessDoc, published)
	}
	a.row.VersionID = id
	a.row.SeenVersionID = id
	a.row.Escrow = store.Escrow{}
	a.row.State = store.OK
	a.row.NotBefore = time.Time{}
	a.row.LoginFailures = 0
	a.row.LastSuccessAt = a.Now()
	a.schedule(c)
	if err := a.settle(ctx, result.Outcome, result.Err); err != nil {
		result.Outcome = outcome.PersistFailed
		result.Err = errors.Join(result.Err, err)
	}
	return result
}

// settleKept ends an attempt whose reply the secrets do not take: the chain lives
// on in the escrow, refreshes go on from it, and each tick tries the secrets again.
func (a *attempt) settleKept(ctx context.Context, c chain, cause error) Result {
	a.row.Escrow = store.Escrow{AttemptID: c.attemptID, Bytes: c.document()}
	a.row.SeenVersionID = a.read.tokens.ID
	a.row.State = store.OK
	a.row.NotBefore = time.Time{}
	a.row.LoginFailures = 0
	a.schedule(c)
	err := a.settle(ctx, outcome.PersistFailed, cause)
	return Result{
		Outcome: outcome.PersistFailed, Source: c.source, AttemptID: c.attemptID, AccessExpiresAt: c.accessExpiresAt,
		Err: errors.Join(fmt.Errorf("the reply is kept, but not current yet: %w", cause), err),
	}
}

// settleSuperseded ends an attempt after which somebody else's version stands.
func (a *attempt) settleSuperseded(ctx context.Context, theirs string) Result {
	a.row = a.superseded(ctx, theirs)
	a.row.SeenVersionID = theirs
	a.row.State = store.OK
	a.row.NotBefore = time.Time{}
	result := Result{Outcome: outcome.Superseded, VersionID: theirs, AttemptID: a.row.AttemptID}
	result.Err = a.settle(ctx, outcome.Superseded, nil)
	return result
}

// superseded is the row once somebody else's version of tokens stands, and is due. One
// that another attempt wrote, of which this row knows nothing (it was lost meanwhile, or
// there are two ledgers), may have been presented: its token counts as spent.
func (a *attempt) superseded(ctx context.Context, theirs string) store.Row {
	next := a.row
	next.VersionID, next.Escrow, next.RefreshAt = theirs, store.Escrow{}, a.Now()
	v, err := a.Secrets.ByID(ctx, a.row.Key, store.TokensDoc, theirs)
	if err != nil {
		next.VersionID = "" // unaccounted for, until it is read
		return next
	}
	if c, err := parseChain(v.Value); err == nil && c.attemptID == theirs {
		next.Spent = a.withSpent(c.refreshToken.Fingerprint())
	}
	return next
}

// settleFailed ends an attempt that brought no tokens, with the state, back-off and
// fingerprints that the caller has set.
func (a *attempt) settleFailed(ctx context.Context, what outcome.Outcome, cause error) Result {
	a.row.SeenVersionID = a.read.tokens.ID
	return Result{
		Outcome: what, AttemptID: a.row.AttemptID,
		Err: errors.Join(cause, a.settle(ctx, what, cause)),
	}
}

// schedule sets when the chain c is due and when it ends. A refresh token that
// comes back unchanged was not rotated: it may be presented again.
func (a *attempt) schedule(c chain) {
	a.row.AccessExpiresAt = c.accessExpiresAt
	a.row.RefreshExpiresAt = c.refreshExpiresAt
	a.row.RefreshAt = refreshAt(a.row.Key, c.issuedAt, c.accessExpiresAt)
	if c.source == store.FromRefresh {
		a.unspend(c.refreshToken.Fingerprint())
	}
}

// unspend forgets a fingerprint: the provider has certainly not acted on the token.
func (a *attempt) unspend(fingerprint string) {
	a.row.Spent = slices.DeleteFunc(slices.Clone(a.row.Spent), func(s string) bool { return s == fingerprint })
}

// pause is when a rate limit lets the next call through.
func (a *attempt) pause(cause error) time.Time {
	var limited *providers.Error
	var asked time.Duration
	if errors.As(cause, &limited) {
		asked = limited.RetryAfter
	}
	now := a.Now()
	return now.Add(pace.RetryAfter(asked, a.row.AccessExpiresAt.Sub(now)))
}

// count writes the outcome into the row's history.
func (a *attempt) count(what outcome.Outcome, cause error) {
	a.row.Ended(what, cause)
	switch what {
	case outcome.Refreshed, outcome.LoggedIn, outcome.Recovered:
		a.row.ConsecutiveFailures = 0
	case outcome.Superseded, outcome.Paused:
	default:
		a.row.ConsecutiveFailures++
	}
}
