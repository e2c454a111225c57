package store_test

import (
	"fmt"
	"slices"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

func presented(from, to int) (spent []string) {
	for n := from; n <= to; n++ {
		spent = append(spent, secret.New(fmt.Sprint("token ", n)).Fingerprint())
	}
	return spent
}

// wantPresented wants exactly the tokens with these numbers, in their order.
func wantPresented(t *testing.T, what string, spent []string, from, to int) {
	t.Helper()
	assert.Assert(t, len(spent) == to-from+1, "%s: %d are kept: %q", what, len(spent), spent)
	for n := from - 3; n <= to+3; n++ {
		token := secret.New(fmt.Sprint("token ", n))
		if got, want := (store.Row{Spent: spent}).Presented(token), n >= from && n <= to; got != want {
			t.Errorf("%s: token %d presented: %t", what, n, got)
		}
		if n >= from && n <= to && !(store.Row{Spent: spent[n-from : n-from+1]}).Presented(token) {
			t.Errorf("%s: token %d is out of order", what, n)
		}
	}
}

// A home stores less than the row has, and what it returns means the same, however often.
func TestPackSpent(t *testing.T) {
	t.Parallel()
	for n := range store.SpentKept + 1 {
		spent := presented(1, n)
		for range 3 {
			packed, whole := store.PackSpent(spent)
			assert.Check(t, len(whole) == min(n, 2) && len(packed) == 11*n, "%d: packed as %q and %q", n, packed, whole)
			spent = store.UnpackSpent(packed, whole)
			wantPresented(t, fmt.Sprint(n), spent, 1, n)
		}
	}
	odd := []string{"z", "a", "z"}
	if packed, whole := store.PackSpent(odd); packed != "" || !slices.Equal(whole, odd) {
		t.Errorf("packed as %q and %q", packed, whole)
	}
}

// While a release is deployed, or after it was rolled back, an older one writes the list of whole
// fingerprints alone: it reads the last two, adds its own, and leaves the packed text as it is.
func TestSpentOfTwoReleases(t *testing.T) {
	t.Parallel()
	packed, whole := store.PackSpent(presented(1, 8))
	for n := 9; n < 20; n++ {
		whole = append(whole, presented(n, n)...) // by the older release
		whole = whole[max(0, len(whole)-store.SpentKept):]
		spent := store.UnpackSpent(packed, whole)
		wantPresented(t, fmt.Sprint(n), spent, n-7, n)
		again, last := store.PackSpent(spent)
		wantPresented(t, fmt.Sprint(n, " again"), store.UnpackSpent(again, last), n-7, n)
	}
}

func TestWithoutSpent(t *testing.T) {
	t.Parallel()
	spent := store.UnpackSpent(store.PackSpent(presented(1, 8)))
	for _, n := range []int{8, 1, 5} {
		spent = store.WithoutSpent(spent, secret.New(fmt.Sprint("token ", n)))
		assert.Check(t, !(store.Row{Spent: spent}).Presented(secret.New(fmt.Sprint("token ", n))),
			"token %d is still there", n)
	}
	assert.Check(t, len(spent) == 5, "%d are kept", len(spent))
}
