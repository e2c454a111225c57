// Package hometest tests the contract of every home of state: the ports store.Secrets, store.Ledger
// and store.Transactions. A home's own tests call it.
//
// Every test makes up its own accounts and ids, so all of them run in parallel, also over a store
// that was used before. A home under test must read its own writes, even where the port allows a
// read to be stale.
package hometest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/store"
)

// contenders is how many goroutines compete when only one may win.
const contenders = 8

// unique makes a name that no other test has.
func unique(prefix string) string { return prefix + "-" + uuid.NewString() }

// inParallel runs tests side by side, each under its name.
func inParallel(t *testing.T, tests map[string]func(t *testing.T)) {
	t.Helper()
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t)
		})
	}
}

// race runs do in so many goroutines at once and returns their errors.
func race(n int, do func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			<-start
			errs[i] = do(i)
		})
	}
	close(start)
	group.Wait()
	return errs
}

// onlyWinner returns the one contender without an error, and the errors of the others.
func onlyWinner(t *testing.T, errs []error) (winner int, losers []error) {
	t.Helper()
	won := func(err error) bool { return err == nil }
	winner = slices.IndexFunc(errs, won)
	losers = slices.DeleteFunc(slices.Clone(errs), won)
	if len(losers) != len(errs)-1 {
		t.Fatalf("not exactly one won: %v", errs)
	}
	return winner, losers
}

// wantPassing wants of each call an error that says nothing about what is stored.
func wantPassing(t *testing.T, errs map[string]error) {
	t.Helper()
	for what, err := range errs {
		_, lost := errors.AsType[*store.LostError](err)
		_, moved := errors.AsType[*store.MovedError](err)
		if err == nil || lost || moved || slices.ContainsFunc([]error{
			store.ErrNoSecret, store.ErrNoValue, store.ErrNoVersion, store.ErrVersionTaken, store.ErrQuota, store.ErrForbidden,
			store.ErrChanged,
		}, func(verdict error) bool { return errors.Is(err, verdict) }) {
			t.Errorf("%s: error %v", what, err)
		}
	}
}

// cancelled is a context that has ended.
func cancelled(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// equal compares stored values field by field. Times must be the same instant and in UTC; an empty
// list equals none. The age of a version is not compared.
func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	diff := cmp.Diff(want, got,
		cmpopts.EquateEmpty(),
		cmpopts.IgnoreFields(store.Version{}, "Age"),
		cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) && a.Location() == b.Location() }),
	)
	if diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	assert.NilError(t, err)
}
