package hometest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"tokenrefresh/pkg/store"
)

// ClaimsLedger is a ledger that holds rows and claims.
type ClaimsLedger interface {
	store.Ledger
	store.ShardClaims
}

// Claims tests the contract of store.ShardClaims.
func Claims(t *testing.T, ledger ClaimsLedger) {
	t.Helper()
	c := claimsContract{ledger}
	inParallel(t, map[string]func(*testing.T){
		"a claim round-trips":           c.roundTrip,
		"rows and claims are separate":  c.apart,
		"guard of a claim":              c.guard,
		"one of many shard claims wins": c.race,
	})
}

type claimsContract struct{ ledger ClaimsLedger }

// newAccount is an account of a provider of its own.
func newAccount() store.Key { return store.Key{Provider: unique("provider"), Account: "a"} }

func (c claimsContract) write(t *testing.T, claim store.ShardClaim) store.ShardClaim {
	t.Helper()
	must(t, c.ledger.WriteShardClaim(t.Context(), claim))
	return claim
}

func (c claimsContract) want(t *testing.T, provider string, want ...store.ShardClaim) {
	t.Helper()
	_, claims, err := c.ledger.RowsAndShardClaims(t.Context(), provider)
	must(t, err)
	equal(t, "claims", claims, want)
}

func (c claimsContract) roundTrip(t *testing.T) {
	claim := store.ShardClaim{Account: newAccount(), Shard: 7, Holder: "run", Fence: 1}
	claim.Until = time.Date(2026, 3, 1, 2, 30, 0, 123_987_654, time.FixedZone("", 3*60*60))
	c.write(t, claim)
	claim.Until = time.Date(2026, 2, 28, 23, 30, 0, 123_000_000, time.UTC)
	c.want(t, claim.Account.Provider, claim)

	claim.Fence, claim.Until = 2, time.Time{}
	c.want(t, claim.Account.Provider, c.write(t, claim))
}

func (c claimsContract) apart(t *testing.T) {
	account := newAccount()
	claim := c.write(t, store.ShardClaim{Account: account, Shard: 3, Holder: "run", Fence: 1})
	other := c.write(t, store.ShardClaim{Account: store.Key{Provider: account.Provider, Account: "b"}, Shard: 12, Fence: 1})
	row := store.Row{Key: account, Fence: 5}
	must(t, c.ledger.Write(t.Context(), row, store.Guard{Absent: true}))
	rows, claims, err := c.ledger.RowsAndShardClaims(t.Context(), account.Provider)
	must(t, err)
	equal(t, "rows", rows, []store.Row{row})
	if len(claims) == 2 && claims[0] == other {
		claims[0], claims[1] = claims[1], claims[0]
	}
	equal(t, "claims", claims, []store.ShardClaim{claim, other})
	rows, err = c.ledger.Rows(t.Context(), account.Provider)
	must(t, err)
	equal(t, "rows alone", rows, []store.Row{row})
}

// ClaimsAsRows tests that claims and the rows of older releases are the same: old and new code may
// run side by side.
func ClaimsAsRows(t *testing.T, ledger ClaimsLedger) {
	t.Helper()
	c := claimsContract{ledger}
	account := newAccount()
	key := store.ShardKey(account, 4)
	until := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	old := store.Row{Key: key, Phase: store.Sending, ClaimedBy: "old", Fence: 8, ClaimedUntil: until}
	must(t, c.ledger.Write(t.Context(), old, store.Guard{Absent: true}))
	c.want(t, account.Provider, store.ShardClaim{Account: account, Shard: 4, Holder: "old", Fence: 8, Until: until})

	old.Phase, old.ClaimedUntil = store.Idle, time.Time{}
	must(t, c.ledger.Write(t.Context(), old, store.Guard{Fence: 8}))
	c.want(t, account.Provider, store.ShardClaim{Account: account, Shard: 4, Holder: "old", Fence: 8})

	c.write(t, store.ShardClaim{Account: account, Shard: 4, Holder: "new", Fence: 9, Until: until})
	row, found, err := c.ledger.Row(t.Context(), key)
	must(t, err)
	equal(t, "found", found, true)
	equal(t, "row", row, store.Row{Key: key, Phase: store.Sending, ClaimedBy: "new", Fence: 9, ClaimedUntil: until})
}

func (c claimsContract) guard(t *testing.T) {
	account := newAccount()
	lost := func(fence int64, current store.ShardClaim) {
		t.Helper()
		err := c.ledger.WriteShardClaim(t.Context(), store.ShardClaim{Account: account, Shard: 1, Holder: "late", Fence: fence})
		got, ok := errors.AsType[*store.ShardClaimLostError](err)
		if !ok {
			t.Fatalf("fence %d: error %v, want a *store.ShardClaimLostError", fence, err)
		}
		equal(t, "the claim told by the error", got.Current, current)
	}
	first := c.write(t, store.ShardClaim{Account: account, Shard: 1, Holder: "first", Fence: 1})
	lost(1, first)
	lost(3, first)
	second := first
	second.Holder, second.Fence = "second", 2
	c.want(t, account.Provider, c.write(t, second))
	lost(2, second)
}

func (c claimsContract) race(t *testing.T) {
	account := newAccount()
	for fence := range int64(3) {
		claim := func(i int) store.ShardClaim {
			return store.ShardClaim{Account: account, Shard: 2, Holder: fmt.Sprint("run-", i), Fence: fence + 1}
		}
		winner, _ := onlyWinner(t, race(contenders, func(i int) error { return c.ledger.WriteShardClaim(t.Context(), claim(i)) }))
		c.want(t, account.Provider, claim(winner))
	}
}
