// Package hometest tests the contract of every home of state: the ports store.Secrets, store.Ledger
// and store.Transactions. A home's own tests call it.
//
// Each suite opens one store. Every test makes up its own accounts and ids, so that
// all of them run in parallel, also over a store that was used before. A home under
// test must read its own writes, even where the port allows a read to be stale.
package hometest

import (
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// contenders is how many goroutines compete when only one may win.
const contenders = 8

// unique makes a name that no other test has.
func unique(prefix string) string { return prefix + "-" + uuid.NewString() }

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

// onlyWinner returns the one contender without an error.
func onlyWinner(t *testing.T, errs []error) int {
	t.Helper()
	winner := -1
	for i, err := range errs {
		if err != nil {
			continue
		}
		if winner >= 0 {
			t.Fatalf("contenders %d and %d both won", winner, i)
		}
		winner = i
	}
	if winner < 0 {
		t.Fatalf("nobody won: %v", errs)
	}
	return winner
}

// equal compares stored values field by field. Times must be the same instant and in UTC; an empty
// list equals none. The age of a version is not compared.
func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	diff := cmp.Diff(want, got,
		cmpopts.EquateEmpty(),
		cmp.Comparer(func(a, b secret.String) bool { return a == b }),
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
