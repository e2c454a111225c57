package sweep

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/store"
)

const (
	// claimSlack extends a claim beyond the holder's deadline.
	claimSlack = 30 * time.Second
	// ledgerTries is how often a write to the ledger is tried if no answer comes.
	ledgerTries = 3
)

// claim claims the shards that have due rows, all at once. Rows of shards that another run holds
// are left to that run. Named rows need no claim: a refresh done twice does no harm.
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
			s.skipDue(what, due...)
			if err != nil {
				s.explain(what, fmt.Errorf("claim shard %d in the ledger: %w", shard, err))
			}
		})
	}
	wg.Wait()
}

// claimShard claims one shard until after the run's deadline. The outcome is empty on
// success.
func (s *sweep) claimShard(ctx context.Context, shard int) (outcome.Outcome, error) {
	claim := store.ShardClaim{Account: s.key(s.account), Shard: shard}
	own := func(c store.ShardClaim) bool { return c.Account == claim.Account && c.Shard == shard }
	if i := slices.IndexFunc(s.readClaims, own); i >= 0 {
		claim = s.readClaims[i]
	}
	if claim.Unreadable != nil {
		return outcome.Misconfigured, claim.Unreadable
	}
	if claim.Held(s.Now()) {
		return outcome.Busy, nil
	}
	if s.req.DryRun {
		return "", nil
	}
	deadline, _ := ctx.Deadline()
	claim.Holder = s.req.RunID
	claim.Fence++
	claim.Until = s.Now().Add(time.Until(deadline) + claimSlack)

	// A write without an answer may have been done: the second try then finds our own
	// claim.
	err := retry(ctx, ledgerTries, func(ctx context.Context) error { return s.Ledger.WriteShardClaim(ctx, claim) })
	lost, isLost := errors.AsType[*store.ShardClaimLostError](err)
	switch {
	case isLost && (lost.Current.Fence != claim.Fence || lost.Current.Holder != claim.Holder):
		return outcome.Busy, nil
	case err != nil && !isLost:
		return outcomeOf(err), err
	}
	s.claims[shard] = claim
	return "", nil
}

// release releases the claims, all at once. A claim that cannot be released expires.
func (s *sweep) release(ctx context.Context) {
	var wg sync.WaitGroup
	for shard, claim := range s.claims {
		if claim.Until.IsZero() {
			continue
		}
		wg.Go(func() {
			claim.Fence++
			claim.Until = time.Time{}
			err := retry(ctx, ledgerTries, func(ctx context.Context) error { return s.Ledger.WriteShardClaim(ctx, claim) })
			if _, lost := errors.AsType[*store.ShardClaimLostError](err); err != nil && !lost {
				s.Log.WarnContext(ctx, "claim not released", "account", s.account, "shard", shard, "error", err)
			}
		})
	}
	wg.Wait()
}
