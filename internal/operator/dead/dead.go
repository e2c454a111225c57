// Package dead finds the transactions that were marked dead, and revives them.
package dead

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"tokenrefresh/pkg/store"
	"tokenrefresh/pkg/sweep"
)

// Search selects dead transactions of an account.
type Search struct {
	Account string
	Span    store.Span
	// Undated adds transactions that an older release has marked without a time. It reads the whole
	// table.
	Undated bool
}

// Find returns the transactions, the latest first and those without a time last. found gets their
// growing number.
func (s Search) Find(ctx context.Context, in store.DeadTransactions, now time.Time, found func(int)) ([]store.DeadEntry, error) {
	var all []store.DeadEntry
	add := func(one store.DeadEntry, err error) error {
		if err != nil {
			return fmt.Errorf("find dead transactions: %w", err)
		}
		all = append(all, one)
		found(len(all))
		return nil
	}
	for shard := range store.Shards {
		for one, err := range in.Dead(ctx, s.Account, shard, s.Span, now) {
			if err := add(one, err); err != nil {
				return nil, err
			}
		}
	}
	slices.SortFunc(all, func(a, b store.DeadEntry) int {
		return cmp.Or(b.MarkedAt.Compare(a.MarkedAt), cmp.Compare(a.ID, b.ID))
	})
	if s.Undated {
		for one, err := range in.DeadUndated(ctx, s.Account, now) {
			if err := add(one, err); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// Summary counts the results of reviving transactions.
type Summary struct {
	Account     string `json:"account"`
	Revived     int    `json:"revived"`
	WouldRevive int    `json:"would_revive,omitempty"` // dry run
	NotDead     int    `json:"not_dead"`               // alive, ended or not recorded
	Failed      int    `json:"failed"`
}

// batch is how many transactions are under way between two reports of progress.
const batch = 512

// Reviver revives transactions.
type Reviver struct {
	Engine  *sweep.Engine
	Account string
	DryRun  bool
	Failed  func(err error) // gets the cause of each that failed
	Done    func(n int)     // gets how many are done
}

// Revive makes the transactions due again. An error means that it ended early. The same
// call again does no harm.
func (r Reviver) Revive(ctx context.Context, ids []int64) (Summary, error) {
	s := Summary{Account: r.Account}
	done := 0
	for chunk := range slices.Chunk(ids, batch) {
		if err := ctx.Err(); err != nil {
			return s, err
		}
		for _, one := range r.Engine.Revive(context.WithoutCancel(ctx), r.Account, chunk, r.DryRun) {
			switch one.Revival {
			case sweep.Revived:
				s.Revived++
			case sweep.WouldRevive:
				s.WouldRevive++
			case sweep.NotDead:
				s.NotDead++
			case sweep.NotRevived:
				s.Failed++
				r.Failed(one.Err)
			}
		}
		done += len(chunk)
		r.Done(done)
	}
	return s, nil
}
