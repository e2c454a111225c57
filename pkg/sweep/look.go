package sweep

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/store"
)

const (
	// headMost is how much of each shard a tick looks at: what a store reads for the
	// price of one entry.
	headMost = 25
	// pageMost is how much of a shard is worked on where all of its head is due. All
	// shards together are more than a run gets done.
	pageMost = 2500
	// queuePageMost is that where other runs help: twice what comes due in a minute of
	// a million transactions whose tokens live an hour.
	queuePageMost = 5000
)

// look queries the heads of all shards.
func (s *sweep) look(ctx context.Context) {
	var wg sync.WaitGroup
	for shard := range store.Shards {
		wg.Go(func() { s.query(ctx, shard, headMost) })
	}
	wg.Wait()
}

// lookFurther reads on in the shards whose heads were all due.
func (s *sweep) lookFurther(ctx context.Context) {
	limit := pageMost
	if s.Queue != nil {
		limit = queuePageMost
	}
	var wg sync.WaitGroup
	for shard, more := range s.more {
		if more {
			wg.Go(func() { s.query(ctx, shard, limit) })
		}
	}
	wg.Wait()
}

// query takes over what is due of a shard.
func (s *sweep) query(ctx context.Context, shard, limit int) {
	now := s.Now()
	entries, err := s.Transactions.Due(ctx, s.account, shard, limit, now)
	if err != nil {
		what := lasting(err)
		s.count(what, 1)
		s.say(what, fmt.Errorf("query the due index: %w", err))
		s.blind()
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
		s.outlook(d.RefreshAt, orElse(d.AccessExpiresAt, now), d.Failures) // without one it backs off, and has no token
	}
	s.index[shard] = entries[:due]
	s.more[shard] = due == limit
}

// lookAtOne takes the transaction that the request names for all that is due.
func (s *sweep) lookAtOne(ctx context.Context) {
	t, found, err := s.Transactions.Get(ctx, s.req.TransactionID)
	switch {
	case err != nil:
		what := lasting(err)
		s.count(what, 1)
		s.say(what, fmt.Errorf("read transaction %d: %w", s.req.TransactionID, err))
	case !found || s.account != "" && t.Account != s.account:
		s.count(outcome.NotDue, 1)
		s.warn(fmt.Sprintf("transaction %d is not recorded for this account", s.req.TransactionID))
	default:
		s.account = t.Account
		if s.wanted(t) {
			s.index[store.ShardOf(t.ID)] = []store.Due{{ID: t.ID, RefreshAt: t.RefreshAt, AccessExpiresAt: t.AccessExpiresAt}}
		}
	}
}

// takeListed takes the transactions that the request lists for due: whoever listed
// them saw that they were, and each row says for itself whether it still is.
func (s *sweep) takeListed() {
	seen := make(map[int64]bool, len(s.req.TransactionIDs))
	for _, id := range s.req.TransactionIDs {
		if !seen[id] { // messages come twice, and in one batch
			seen[id] = true
			s.listed = append(s.listed, store.Due{ID: id})
		}
	}
}

// due is all that is due, of all shards, the longest due first; what the request
// lists, in its order.
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
