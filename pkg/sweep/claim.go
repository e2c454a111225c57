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

// claimShard claims one shard until the run is certainly over; the outcome is empty if
// that worked.
func (s *sweep) claimShard(ctx context.Context, shard int) (outcome.Outcome, error) {
	claim := store.Claim{Account: s.key(s.account), Shard: shard}
	if i := slices.IndexFunc(s.stored, func(c store.Claim) bool { return c.Account == claim.Account && c.Shard == shard }); i >= 0 {
		claim = s.stored[i]
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

	// A write that took no answer may have been done: written again under the same
	// guard it shows as ours.
	err := retry(ctx, ledgerTries, func(ctx context.Context) error { return s.Ledger.WriteClaim(ctx, claim) })
	var lost *store.ClaimLostError
	if errors.As(err, &lost) {
		if lost.Current.Fence != claim.Fence || lost.Current.Holder != claim.Holder {
			return outcome.Busy, nil
		}
		err = nil
	}
	if err != nil {
		return lasting(err), err
	}
	s.claims[shard] = claim
	return "", nil
}

// release gives the claims back, all at once. One that cannot be given back runs out by
// itself.
func (s *sweep) release(ctx context.Context) {
	var wg sync.WaitGroup
	for shard, claim := range s.claims {
		if claim.Until.IsZero() {
			continue
		}
		wg.Go(func() {
			claim.Fence++
			claim.Until = time.Time{}
			err := retry(ctx, ledgerTries, func(ctx context.Context) error { return s.Ledger.WriteClaim(ctx, claim) })
			var lost *store.ClaimLostError
			if err != nil && !errors.As(err, &lost) {
				s.Log.WarnContext(ctx, "claim not given back", "account", s.account, "shard", shard, "error", err)
			}
		})
	}
	wg.Wait()
}
