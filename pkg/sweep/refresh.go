package sweep

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
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
	tokens, err := s.send(ctx, t)
	failed := asProviderError(err)
	if failed.Partial != nil { // without a new refresh token: these don't rotate, and the old one is kept
		tokens, err = *failed.Partial, nil
		s.warn(fmt.Sprintf("transaction %d: the reply holds a new refresh token that cannot be read: the old one is kept", t.ID))
	}
	if err == nil {
		s.accept()
		s.storeTokens(ctx, t, tokens)
		return
	}
	switch failed.Kind {
	case providers.RateLimited:
		s.limit(s.Now().Add(pace.RetryAfter(failed.RetryAfter, t.AccessExpiresAt.Sub(s.Now()))))
		s.skipDue(outcome.RateLimited, entry(t))
		s.explain(outcome.RateLimited, err)
	case providers.Misconfigured:
		s.stop(outcome.Misconfigured, pauseCredentials)
		s.skipDue(outcome.Misconfigured, entry(t))
		s.explain(outcome.Misconfigured, fmt.Errorf("the secret %s/credentials is refused: %w", s.key(s.account), err))
	case providers.Refused:
		s.refuse(t, err)
	case providers.MaybeRefused, providers.TurnedAway, providers.NotSent, providers.Unknown:
		if ctx.Err() != nil && !answered(failed.Kind) {
			s.postpone(ctx.Err(), entry(t)) // the caller gave up, not the provider
			return
		}
		s.backOff(ctx, t, err, outcomeOfKind(failed.Kind))
	}
}

// send presents the refresh token, and again if no clear answer came.
func (s *sweep) send(ctx context.Context, t store.Transaction) (providers.Tokens, error) {
	wait := firstRetry
	for try := 1; ; try++ {
		callCtx, cancel := context.WithTimeout(ctx, s.SendTimeout+pace.LastWord)
		began := time.Now()
		tokens, err := s.session.Refresh(callCtx, t.RefreshToken)
		cancel()
		s.addCall(time.Since(began), tokens)

		failed := asProviderError(err)
		if err == nil || certain(failed.Kind) || failed.Partial != nil {
			return tokens, err
		}
		if try == 1 && ctx.Err() == nil && !s.firstFailure(failed) {
			return tokens, err
		}
		if answered(failed.Kind) {
			return tokens, err
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
	next := renewed(t, tokens)
	err := s.update(ctx, next, t.RefreshToken)
	switch {
	case err == nil:
		s.stored()
		s.forecast(next.RefreshAt, next.AccessExpiresAt, 0)
		s.count(outcome.Refreshed, 1)
	case errors.Is(err, store.ErrChanged):
		s.stored()
		s.count(outcome.Superseded, 1)
	default:
		err = fmt.Errorf("store the reply for transaction %d: %w", t.ID, err)
		s.Log.ErrorContext(ctx, "reply not stored", "account", s.account, "transaction_id", t.ID, "error", err)
		s.skipDue(outcome.PersistFailed, entry(t))
		s.explain(outcome.PersistFailed, err)
		s.countFailure(err)
	}
}

// backOff makes a row due later, so that it does not block the others.
func (s *sweep) backOff(ctx context.Context, t store.Transaction, cause error, what outcome.Outcome) {
	cause = fmt.Errorf("transaction %d: %w", t.ID, cause)
	if why := s.gaveUp(asProviderError(cause)); why != "" {
		s.warn(fmt.Sprintf("stopped: %s: %v", why, cause))
	}
	s.explain(what, retriedError{cause})
	next := backedOff(t, s.Now(), s.takes(), s.Tick)
	s.forecast(next.RefreshAt, orElse(t.AccessExpiresAt, t.RefreshAt), next.Failures) // it has no token since it was due
	s.storeFailure(ctx, t, next, what)
}

// storeFailure stores a row after a failed call. If the write fails the row stays due.
func (s *sweep) storeFailure(ctx context.Context, t, next store.Transaction, what outcome.Outcome) {
	err := s.update(ctx, next, t.RefreshToken)
	switch {
	case err == nil:
		s.stored()
		s.count(what, 1)
	case errors.Is(err, store.ErrChanged):
		s.count(outcome.Superseded, 1)
	default:
		s.skipDue(outcomeOf(err), entry(t))
		s.storeTrouble(fmt.Errorf("write transaction %d: %w", t.ID, err))
	}
}

// unclassified stands for an error that nobody classified: it is Unknown and without a status.
var unclassified providers.Error

// asProviderError returns the *providers.Error in err's chain, else unclassified.
func asProviderError(err error) *providers.Error {
	if e, ok := errors.AsType[*providers.Error](err); ok {
		return e
	}
	return &unclassified
}

// certain reports whether a call's end proves something about the token.
func certain(kind providers.Kind) bool {
	return kind == providers.Refused || kind == providers.Misconfigured || kind == providers.RateLimited
}

// answered reports whether a further try would get the same uncertain answer.
func answered(kind providers.Kind) bool {
	return kind == providers.MaybeRefused || kind == providers.TurnedAway
}
