package sweep

import (
	"context"
	"errors"
	"time"

	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// retryFirst is the first wait before a failed write is tried again; it doubles.
const retryFirst = 100 * time.Millisecond

// retry repeats a write until it succeeds, fails for good, was tried maxTries times (0: no limit)
// or ctx ends.
func retry(ctx context.Context, maxTries int, write func(context.Context) error) error {
	wait := retryFirst
	for try := 1; ; try++ {
		err := write(ctx)
		if err == nil || final(err) || try == maxTries || !pace.Sleep(ctx, wait) {
			return err
		}
		wait *= 2
	}
}

// final reports whether another try cannot help within a run.
func final(err error) bool {
	_, claimed := errors.AsType[*store.ShardClaimLostError](err)
	return claimed || errors.Is(err, store.ErrChanged) || errors.Is(err, store.ErrForbidden)
}

// update writes a row if its refresh token is still the one presented. It tries until
// the row is written or the time to store ends. store.ErrChanged.
func (s *sweep) update(ctx context.Context, next store.Transaction, presented secret.String) error {
	ctx, cancel := s.persistContext(ctx)
	defer cancel()
	tries := 0
	err := retry(ctx, 0, func(ctx context.Context) error {
		tries++
		return s.Transactions.Update(ctx, next, presented)
	})
	if errors.Is(err, store.ErrChanged) && tries > 1 && next.RefreshToken != presented {
		// An earlier try may have been done although its answer was lost.
		stored, found, getErr := s.Transactions.Get(ctx, next.ID)
		if getErr == nil && found && stored.RefreshToken == next.RefreshToken {
			return nil
		}
	}
	return err
}

// persistContext returns a context for storing a provider's answer: the caller's cancellation does
// not end it.
func (s *sweep) persistContext(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), s.StoreTimeout)
}
