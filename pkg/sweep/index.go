package sweep

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/store"
)

const (
	// headSize is how many entries of each shard a tick reads: as many as a store reads
	// for the price of one.
	headSize = 25
	// maxPage is how many entries are read of a shard whose head is all due. All shards together
	// have more than one run can do.
	maxPage = 2500
	// maxSharedPage replaces maxPage if other runs help: twice the rows that come due in a
	// minute of a million transactions whose tokens live an hour.
	maxSharedPage = 5000
)

// readHeads queries the heads of all shards.
func (s *sweep) readHeads(ctx context.Context) {
	pace.Each(store.Shards, store.Shards, func(shard int) { s.query(ctx, shard, headSize) })
}

// readFurther reads on in the shards whose heads were all due.
func (s *sweep) readFurther(ctx context.Context) {
	limit := maxPage
	if s.Queue != nil {
		limit = maxSharedPage
	}
	var wg sync.WaitGroup
	for shard, more := range s.more {
		if more {
			wg.Go(func() { s.query(ctx, shard, limit) })
		}
	}
	wg.Wait()
}

// query reads the due rows of a shard.
func (s *sweep) query(ctx context.Context, shard, limit int) {
	now := s.Now()
	entries, err := s.Transactions.Due(ctx, s.account, shard, limit, now)
	if err != nil {
		what := outcomeOf(err)
		s.count(what, 1)
		s.explain(what, fmt.Errorf("query the due index: %w", err))
		s.markBlind()
		if len(entries) == 0 {
			return
		}
	}
	due := len(entries)
	if !s.req.Force {
		due, _ = slices.BinarySearchFunc(entries, now, func(d store.Due, now time.Time) int {
			if d.RefreshAt.After(now) {
				return 1
			}
			return -1
		})
	}
	for _, d := range entries[due:] {
		s.forecast(d.RefreshAt, orElse(d.AccessExpiresAt, now), d.Failures) // a row without one backs off and has no token
	}
	s.index[shard] = entries[:due]
	s.more[shard] = due == limit
}

// readNamed makes the transaction that the request names the only due one.
func (s *sweep) readNamed(ctx context.Context) {
	t, found, err := s.Transactions.Get(ctx, s.req.TransactionID)
	switch {
	case err != nil:
		what := outcomeOf(err)
		s.count(what, 1)
		s.explain(what, fmt.Errorf("read transaction %d: %w", s.req.TransactionID, err))
	case !found || s.account != "" && t.Account != s.account:
		s.count(outcome.NotDue, 1)
		s.warn(fmt.Sprintf("transaction %d is not recorded for this account", s.req.TransactionID))
	default:
		s.account = t.Account
		if s.isDue(t) {
			s.index[store.ShardOf(t.ID)] = []store.Due{{ID: t.ID, RefreshAt: t.RefreshAt, AccessExpiresAt: t.AccessExpiresAt}}
		}
	}
}

// takeListed makes the listed transactions the due ones. They were due when they were
// listed; whether they still are is checked with each row.
func (s *sweep) takeListed() {
	seen := make(map[int64]bool, len(s.req.TransactionIDs))
	for _, id := range s.req.TransactionIDs {
		if !seen[id] { // messages come twice, even in one batch
			seen[id] = true
			s.listed = append(s.listed, store.Due{ID: id})
		}
	}
}

// due returns the due entries of all shards, the longest due first, or the listed ones
// in their order.
func (s *sweep) due() []store.Due {
	if s.listed != nil {
		return s.listed
	}
	due := slices.Concat(s.index[:]...)
	slices.SortFunc(due, func(a, b store.Due) int {
		return cmp.Or(a.RefreshAt.Compare(b.RefreshAt), cmp.Compare(a.ID, b.ID))
	})
	return due
}
