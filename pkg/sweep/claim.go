package sweep

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/refresh"
)

const (
	// shardInfix marks the ledger rows of shards: "default/shard-3".
	shardInfix = "/shard-"
	// claimSlack keeps a claim beyond the moment its holder is certainly dead.
	claimSlack = 30 * time.Second
	// ledgerTries is how often a row of the ledger is written that takes no answer.
	ledgerTries = 3
)

// claim claims the shards that have something due, all at once. What is due of the
// others is left to those who hold them. Named rows are worked on without a
// claim: a refresh done twice harms nothing.
func (s *sweep) claim(ctx context.Context) {
	if s.req.named() {
		return
	}
	var wg sync.WaitGroup
	for shard, due := range s.index {
		if len(due) == 0 {
			continue
		}
		wg.Go(func() {
			what, err := s.claimShard(ctx, shard)
			if what == "" {
				return
			}
			s.index[shard] = nil
			s.left(what, due...)
			if err != nil {
				s.say(what, fmt.Errorf("claim shard %d in the ledger: %w", shard, err))
			}
		})
	}
	wg.Wait()
}

// claimShard claims one shard until the run is certainly over; the outcome is
// empty where that worked.
func (s *sweep) claimShard(ctx context.Context, shard int) (outcome.Outcome, error) {
	row, exists := s.stored(s.account + shardInfix + strconv.Itoa(shard))
	if row.Unreadable != nil {
		return outcome.Misconfigured, row.Unreadable
	}
	if row.Phase == refresh.Sending && s.Now().Before(row.ClaimedUntil) {
		return outcome.Busy, nil
	}
	if s.req.DryRun {
		return "", nil
	}
	deadline, _ := ctx.Deadline()
	next := row
	next.Phase = refresh.Sending
	next.ClaimedBy = s.req.RunID
	next.Fence++
	next.ClaimedUntil = s.Now().Add(time.Until(deadline) + claimSlack)

	// A write that took no answer may have been done: written again under the same
	// guard it shows as ours.
	err := retry(ctx, ledgerTries, func(ctx context.Context) error {
		return s.Ledger.Write(ctx, next, refresh.Guard{Absent: !exists, Fence: row.Fence})
	})
	var lost *refresh.LostError
	if errors.As(err, &lost) {
		current := lost.Current
		if !lost.Exists || current.Fence != next.Fence || current.ClaimedBy != next.ClaimedBy || current.Phase != refresh.Sending {
			return outcome.Busy, nil
		}
		err = nil
	}
	if err != nil {
		return lasting(err), err
	}
	s.claims[shard] = next
	return "", nil
}

// release gives the claims back, all at once. One that cannot be given back runs
// out by itself.
func (s *sweep) release(ctx context.Context) {
	var wg sync.WaitGroup
	for shard, row := range s.claims {
		if row.Phase != refresh.Sending {
			continue
		}
		wg.Go(func() {
			guard := refresh.Guard{Fence: row.Fence}
			row.Phase = refresh.Idle
			row.ClaimedUntil = time.Time{}
			err := retry(ctx, ledgerTries, func(ctx context.Context) error { return s.Ledger.Write(ctx, row, guard) })
			var lost *refresh.LostError
			if err != nil && !errors.As(err, &lost) {
				s.Log.WarnContext(ctx, "claim not given back", "account", s.account, "shard", shard, "error", err)
			}
		})
	}
	wg.Wait()
}
