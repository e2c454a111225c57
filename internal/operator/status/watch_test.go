package status_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"gotest.tools/v3/assert"

	"tokenrefresh/internal/operator/status"
)

func TestWatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 12*time.Second)
		defer cancel()
		began := time.Now()
		var at []time.Duration
		var failed int
		err := status.Watch(ctx, 5*time.Second, func(context.Context) (status.Report, error) {
			if len(at) == 1 {
				return status.Report{}, errors.New("throttled")
			}
			return status.New(nil, time.Now()), nil
		}, func(_ status.Report, err error) error {
			at = append(at, time.Since(began))
			if err != nil {
				failed++
			}
			return nil
		})
		assert.Check(t, err == nil, "the end is an error: %v", err)
		// A look that fails is shown, and the next one follows.
		diff := cmp.Diff([]time.Duration{0, 5 * time.Second, 10 * time.Second}, at)
		assert.Check(t, diff == "" && failed == 1, "%d failed (-want +got):\n%s", failed, diff)
		took := time.Since(began)
		assert.Check(t, took == 12*time.Second, "it ended after %v", took)
	})
}

// A look that was interrupted by the end is not shown.
func TestWatchEndsAmidALook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := status.Watch(ctx, time.Minute, func(ctx context.Context) (status.Report, error) {
			<-ctx.Done()
			return status.Report{}, ctx.Err()
		}, func(status.Report, error) error {
			t.Error("shown")
			return nil
		})
		assert.Check(t, err)
	})
}

func TestWatchEndsWithItsOutput(t *testing.T) {
	t.Parallel()
	closed := errors.New("broken pipe")
	err := status.Watch(t.Context(), time.Minute, func(context.Context) (status.Report, error) { return status.Report{}, nil },
		func(status.Report, error) error { return closed })
	assert.Check(t, errors.Is(err, closed), "%v", err)
}
