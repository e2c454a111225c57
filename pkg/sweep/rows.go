package sweep

import (
	"strconv"
	"time"

	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/store"
)

const (
	// maxRefusals is how many refusals, refusalsApart from each other, end a row whatever the
	// answers to other rows.
	maxRefusals   = 3
	refusalsApart = time.Hour
	// refusalsForgotten is the time without a refusal after which their count starts again.
	refusalsForgotten = 24 * time.Hour
)

// renewed returns the row after a good reply.
func renewed(t store.Transaction, tokens providers.Tokens) store.Transaction {
	if !tokens.RefreshToken.Blank() {
		t.RefreshToken = tokens.RefreshToken
	}
	t.AccessToken = tokens.AccessToken
	t.ClientToken = tokens.ClientToken // an older one would look fresh
	t.AccessExpiresAt = tokens.AccessExpiresAt
	return alive(t, tokens.IssuedAt.Add(
		pace.Refresh(strconv.FormatInt(t.ID, 10), tokens.AccessExpiresAt.Sub(tokens.IssuedAt))))
}

// backedOff returns the row after a call that proves nothing about its token. An attempt is in time
// until takes before the access token ends.
func backedOff(t store.Transaction, now time.Time, takes, tick time.Duration) store.Transaction {
	t.Failures++
	return dueAt(t, now.Add(pace.Retry(t.Failures, t.AccessExpiresAt.Sub(now)-takes, tick)))
}

// afterRefusal returns the row after the provider has called its refresh token invalid. It is dead if
// the answer is plausible, or if it is the third such answer, an hour apart; else it backs off.
func afterRefusal(t store.Transaction, believed bool, now time.Time, takes, tick time.Duration) store.Transaction {
	next := backedOff(t, now, takes, tick)
	switch since := now.Sub(t.RefusedAt); {
	case t.Refusals == 0 || since >= refusalsForgotten:
		next.Refusals, next.RefusedAt = 1, now
	case since >= refusalsApart:
		next.Refusals++
		next.RefusedAt = now
	case since < 0: // a clock was wrong
		next.RefusedAt = now
	}
	if believed || next.Refusals >= maxRefusals {
		next.Status = store.StatusDead
		next.RefreshAt = time.Time{}
		next.Refusals, next.RefusedAt = 0, now
	}
	return next
}

// alive returns a row as alive and due at a moment, with no failure or refusal counted.
func alive(t store.Transaction, at time.Time) store.Transaction {
	t.Status, t.Failures, t.Refusals, t.RefusedAt = store.StatusActive, 0, 0, time.Time{}
	return dueAt(t, at)
}

// dueAt returns a row as due at a moment. A row that would be due after its end leaves the index:
// ended rows that the store has not deleted yet would be read at each tick.
func dueAt(t store.Transaction, at time.Time) store.Transaction {
	t.RefreshAt = at
	if !t.ExpiresAt.IsZero() && !at.Before(t.ExpiresAt) {
		t.RefreshAt = time.Time{}
	}
	return t
}

// entry returns the row's entry in the due index.
func entry(t store.Transaction) store.Due {
	return store.Due{ID: t.ID, RefreshAt: t.RefreshAt, AccessExpiresAt: t.AccessExpiresAt, Failures: t.Failures}
}
