package sweep

import (
	"context"
	"errors"
	"time"

	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/store"
)

// retryFirst is the first wait before a failed write is tried again; it doubles.
const retryFirst = 100 * time.Millisecond

// retry runs a write until it succeeds, fails for good, was tried most times (0: no
// limit) or ctx ends.
func retry(ctx context.Context, most int, write func(context.Context) error) error {
	wait := retryFirst
	for try := 1; ; try++ {
		err := write(ctx)
		if err == nil || final(err) || try == most || !pace.Sleep(ctx, wait) {
			return err
		}
		wait *= 2
	}
}

// final reports whether trying again cannot help within a run.
func final(err error) bool {
	var lost *store.LostError
	var claimed *store.ClaimLostError
	return errors.As(err, &lost) || errors.As(err, &claimed) ||
		errors.Is(err, store.ErrChanged) || errors.Is(err, store.ErrForbidden)
}
