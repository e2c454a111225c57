package sweep

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/store"
)

const (
	// maxTries is how often a refresh token is presented in one run. Presenting it again
	// does no harm.
	maxTries = 3
	// firstRetry is the wait before the second try, give or take a half. It doubles.
	firstRetry = 300 * time.Millisecond
)

// refresh presents a row's refresh token and stores the result.
func (s *sweep) refresh(ctx context.Context, t store.Transaction) {
	d := entry(t)
	tokens, err := s.send(ctx, t)
	if err == nil {
		s.storeTokens(ctx, t, tokens)
		return
	}
	switch providers.KindOf(err) {
	case providers.RateLimited:
		s.limit(s.Now().Add(pace.RetryAfter(retryAfter(err), t.AccessExpiresAt.Sub(s.Now()))))
		s.skipDue(outcome.RateLimited, d)
		s.explain(outcome.RateLimited, err)
	case providers.Misconfigured, providers.MaybeRefused, providers.TurnedAway:
		s.stop(outcome.Misconfigured)
		s.skipDue(outcome.Misconfigured, d)
		s.explain(outcome.Misconfigured, fmt.Errorf("the secret %s/credentials is refused: %w", s.key(s.account), err))
	case providers.Refused:
		s.markDead(ctx, t, err)
	case providers.NotSent, providers.Unknown:
		if ctx.Err() != nil { // the caller gave up, the provider didn't
			s.postpone(ctx.Err(), d)
			return
		}
		s.backOff(ctx, t, err)
	}
}

// send presents the refresh token, and again if no answer came.
func (s *sweep) send(ctx context.Context, t store.Transaction) (providers.Tokens, error) {
	wait := firstRetry
	for try := 1; ; try++ {
		callCtx, cancel := context.WithTimeout(ctx, s.SendTimeout+pace.LastWord)
		began := time.Now()
		tokens, err := s.session.Refresh(callCtx, t.RefreshToken)
		cancel()
		s.addCall(time.Since(began), tokens)

		kind := providers.KindOf(err)
		if err == nil || kind != providers.NotSent && kind != providers.Unknown {
			return tokens, err
		}
		if try == 1 && ctx.Err() == nil {
			s.countFailure(err)
		}
		jitter := rand.N(wait) //nolint:gosec // it spreads retries and guards nothing
		if try == maxTries || !pace.Sleep(ctx, wait/2+jitter) || s.mayContinue(ctx) != nil {
			return tokens, err
		}
		wait *= 2
	}
}

// storeTokens stores a good reply in one write.
func (s *sweep) storeTokens(ctx context.Context, t store.Transaction, tokens providers.Tokens) {
	for _, warning := range tokens.Warnings {
		s.warn(warning)
	}
	if tokens.TransactionID != 0 && tokens.TransactionID != t.ID {
		s.warn(fmt.Sprintf("the reply for transaction %d names transaction %d", t.ID, tokens.TransactionID))
	}
	next := t
	if !tokens.RefreshToken.Blank() {
		next.RefreshToken = tokens.RefreshToken
	}
	next.AccessToken = tokens.AccessToken
	next.ClientToken = tokens.ClientToken // an older one would look fresh
	next.AccessExpiresAt = tokens.AccessExpiresAt
	setDue(&next, tokens.IssuedAt.Add(
		pace.Refresh(strconv.FormatInt(t.ID, 10), tokens.AccessExpiresAt.Sub(tokens.IssuedAt))))
	next.Status = store.StatusActive
	next.Failures = 0

	err := s.update(ctx, next, t.RefreshToken)
	switch {
	case err == nil:
		s.succeeded()
		s.forecast(next.RefreshAt, next.AccessExpiresAt, 0)
		s.count(outcome.Refreshed, 1)
	case errors.Is(err, store.ErrChanged):
		s.succeeded()
		s.count(outcome.Superseded, 1)
	default:
		err = fmt.Errorf("store the reply for transaction %d: %w", t.ID, err)
		s.Log.ErrorContext(ctx, "reply not stored", "account", s.account, "transaction_id", t.ID, "error", err)
		s.skipDue(outcome.PersistFailed, entry(t))
		s.explain(outcome.PersistFailed, err)
		if outcomeOf(err) == outcome.Misconfigured {
			s.stop(outcome.Transient) // no row can be written
			return
		}
		s.countFailure(err)
	}
}

// markDead ends a row whose refresh token the provider refuses. The row leaves the index.
func (s *sweep) markDead(ctx context.Context, t store.Transaction, cause error) {
	next := t
	next.Status = store.StatusDead
	next.RefreshAt = time.Time{}
	next.Failures++
	s.Log.WarnContext(ctx, "transaction is dead", "account", s.account, "transaction_id", t.ID, "error", cause)
	s.storeFailure(ctx, t, next, outcome.Dead)
}

// backOff makes a row due later, so that it does not block the others.
func (s *sweep) backOff(ctx context.Context, t store.Transaction, cause error) {
	next := t
	next.Failures++
	setDue(&next, s.Now().Add(pace.Backoff(next.Failures)))
	s.explain(outcome.Transient, fmt.Errorf("transaction %d: %w", t.ID, cause))
	s.forecast(next.RefreshAt, orElse(t.AccessExpiresAt, t.RefreshAt), next.Failures) // it has no token since it was due
	s.storeFailure(ctx, t, next, outcome.Transient)
}

// storeFailure stores a row after a failed call. If the write fails the row stays due.
func (s *sweep) storeFailure(ctx context.Context, t, next store.Transaction, what outcome.Outcome) {
	err := s.update(ctx, next, t.RefreshToken)
	switch {
	case err == nil:
		if what == outcome.Dead {
			s.succeeded() // the provider answered
		}
		s.count(what, 1)
	case errors.Is(err, store.ErrChanged):
		s.count(outcome.Superseded, 1)
	default:
		s.skipDue(outcomeOf(err), entry(t))
		s.storeTrouble(fmt.Errorf("write transaction %d: %w", t.ID, err))
	}
}

// retryAfter returns the wait that a rate limit asked for; 0 if it named none.
func retryAfter(err error) time.Duration {
	var limited *providers.Error
	if errors.As(err, &limited) {
		return limited.RetryAfter
	}
	return 0
}

// setDue makes the row due at a moment. A row that would be due after its end leaves the
// index: ended rows that the store has not deleted yet would be read at each tick.
func setDue(t *store.Transaction, at time.Time) {
	t.RefreshAt = at
	if !t.ExpiresAt.IsZero() && !at.Before(t.ExpiresAt) {
		t.RefreshAt = time.Time{}
	}
}

// entry returns the row's entry in the due index.
func entry(t store.Transaction) store.Due {
	return store.Due{ID: t.ID, RefreshAt: t.RefreshAt, AccessExpiresAt: t.AccessExpiresAt, Failures: t.Failures}
}
