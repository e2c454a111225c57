package sweep

import (
	"context"
	"fmt"
	"sync"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/store"
)

// minShare is from how many rows on the share of refused ones is significant: if more rows got a
// refusal than tokens, refusals are implausible then.
const minShare = 20

// refusal is a row whose refresh token the provider calls invalid. The refused rows of a run are
// judged when it ends: if all rows get the same refusal, the cause is ours, and not each row's.
type refusal struct {
	row   store.Transaction
	cause error
}

// settleRefusals stores the refused rows, each in one write: as dead, or, if more rows of this run
// were refused than not, as backed off. All of them share the time of one store. Rows that it does
// not reach stay due.
func (s *sweep) settleRefusals(ctx context.Context) {
	all := s.refused
	if len(all) == 0 {
		return
	}
	outnumbered := len(all) > s.accepted
	mistrusted := outnumbered && s.presented >= minShare
	if mistrusted {
		s.explain(outcome.Misconfigured, retriedError{fmt.Errorf("%d of the %d refresh tokens of this run were refused: "+
			"no transaction is marked dead, all are tried again; check whether api_secret is the one of these transactions "+
			"(test or live), and whether %s has trouble: %w", len(all), s.presented, s.Provider.Name(), all[0].cause)})
	}
	ctx, cancel := s.persistContext(ctx)
	defer cancel()
	var wg sync.WaitGroup
	for i, one := range all {
		select {
		case w := <-s.pool:
			wg.Add(1)
			w <- func() {
				defer wg.Done()
				defer s.recoverPanic(ctx)
				// A row that was spared before is not marked in a run without more evidence.
				spared := mistrusted || one.row.Refusals > 0 && outnumbered
				s.settleRefusal(ctx, one, !spared || one.row.Status == store.StatusDead)
			}
			continue
		case <-ctx.Done():
		}
		for _, left := range all[i:] {
			s.skipDue(outcome.Transient, entry(left.row))
		}
		s.warn(fmt.Sprintf("%d refused transactions were left to the next run: too little time to store them", len(all)-i))
		break
	}
	wg.Wait()
}

// settleRefusal stores a refused row.
func (s *sweep) settleRefusal(ctx context.Context, one refusal, believed bool) {
	next := afterRefusal(one.row, believed, s.Now(), s.takes(), s.Tick)
	what := outcome.Misconfigured
	if next.Status == store.StatusDead {
		what = outcome.Dead
		s.Log.WarnContext(ctx, "transaction is dead", "account", s.account, "transaction_id", one.row.ID, "error", one.cause)
		s.addCause(what, fmt.Errorf("transaction %d: %w", one.row.ID, one.cause))
	} else {
		s.explain(what, retriedError{fmt.Errorf("transaction %d was refused in a run that refused most: it is tried again: %w",
			one.row.ID, one.cause)})
		s.forecast(next.RefreshAt, orElse(next.AccessExpiresAt, one.row.RefreshAt), next.Failures)
	}
	s.storeFailure(ctx, one.row, next, what)
}
