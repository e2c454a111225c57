package sweep

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/store"
)

var (
	// errStopped: the breaker has stopped the sweep.
	errStopped = errors.New("the sweep was stopped")
	// errRedraw: the breaker wants rows drawn again.
	errRedraw = errors.New("rows are drawn again")
)

// work refreshes rows until all are done, the breaker stops the sweep or too little time is
// left.
func (s *sweep) work(ctx context.Context, due []store.Due) {
	for due = s.workThrough(ctx, spread(due)); len(due) > 0; due = s.workThrough(ctx, spread(due)) {
		s.draw(firstCalls)
	}
}

// workThrough refreshes rows in their order, one for each free worker. It returns those that it did
// not reach because the breaker wants them drawn again.
func (s *sweep) workThrough(ctx context.Context, due []store.Due) (rest []store.Due) {
	var wg sync.WaitGroup
	for i, row := range s.readAhead(ctx, due) {
		if row.missed != "" {
			s.skipDue(row.missed, due[i])
			continue
		}
		worker, err := s.admit(ctx)
		if errors.Is(err, errRedraw) {
			rest = due[i:]
			break
		}
		if err != nil {
			s.postpone(err, due[i:]...)
			break
		}
		wg.Add(1)
		worker <- func() {
			defer wg.Done()
			defer s.end()
			s.process(ctx, due[i], row.Read)
		}
	}
	wg.Wait()
	return rest
}

// spread returns due with the first maxSame rows drawn evenly over all of it, and the others behind
// them in their order: the oldest rows may share a trouble that the rest does not have.
func spread(due []store.Due) []store.Due {
	n := len(due)
	if n <= maxSame {
		return due
	}
	first, rest := make([]store.Due, maxSame, n), make([]store.Due, 0, n-maxSame)
	const stride = 7 // has no divisor in common with maxSame: the first calls are far apart too
	next := 0
	for i, d := range due {
		if next < maxSame && i == next*n/maxSame {
			first[next*stride%maxSame] = d
			next++
			continue
		}
		rest = append(rest, d)
	}
	return append(first, rest...)
}

// admit waits until a further row may begin, and for a free worker. An error means that no
// further row may begin.
func (s *sweep) admit(ctx context.Context) (worker, error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	select {
	case w := <-s.pool:
		if err := s.mayContinue(ctx); err != nil {
			s.pool <- w
			s.end()
			return nil, err
		}
		return w, nil
	case <-ctx.Done():
		s.end()
		return nil, context.Cause(ctx)
	}
}

// mayContinue returns an error if no further call may begin.
func (s *sweep) mayContinue(ctx context.Context) error {
	if err := cmp.Or(s.mayBegin(), ctx.Err()); err != nil {
		return err
	}
	return pace.Enough(ctx, s.SendTimeout+s.StoreTimeout)
}

// postpone leaves rows to the next run for a reason that mayContinue gave.
func (s *sweep) postpone(err error, due ...store.Due) {
	if errors.Is(err, errStopped) {
		s.skipDue(s.stopped(), due...)
		return
	}
	s.skipDue(outcome.Transient, due...)
	s.warn(fmt.Sprintf("rows were left to the next run: %v", err))
}

// process works on one row. The index entry is a hint; the row decides.
func (s *sweep) process(ctx context.Context, d store.Due, row store.Read) {
	defer s.recoverPanic(ctx)
	t := row.Transaction
	switch {
	case row.Err != nil:
		s.skipBroken(d, fmt.Errorf("read transaction %d: %w", d.ID, row.Err))
	case !row.Found || t.Account != s.account || !s.isDue(t):
		if row.Found && t.Account != s.account {
			s.warn(fmt.Sprintf("transaction %d is of another account", d.ID))
		}
		if row.Found && t.Status == store.StatusActive {
			s.addExpiry(t.AccessExpiresAt, pace.MaxAttempts)
		}
		s.count(outcome.NotDue, 1)
	case t.RefreshToken.Blank():
		s.skipBroken(d, fmt.Errorf("transaction %d has no refresh token: record it again", d.ID))
	case s.req.DryRun:
		s.addExpiry(t.AccessExpiresAt, pace.MaxAttempts)
		s.count(outcome.WouldRefresh, 1)
	default:
		s.refresh(ctx, t)
	}
}

// skipBroken skips a row that only a person can mend. Such rows prove nothing about store or
// provider, so no number of them stops a sweep.
func (s *sweep) skipBroken(d store.Due, err error) {
	s.skipDue(outcome.Transient, d)
	s.explain(outcome.Transient, err)
}

// isDue reports whether a row is to be refreshed now.
func (s *sweep) isDue(t store.Transaction) bool {
	now := s.Now()
	revived := t.Status == store.StatusDead && s.req.Force && s.req.TransactionID == t.ID
	if t.Status != store.StatusActive && !revived || !t.ExpiresAt.IsZero() && !now.Before(t.ExpiresAt) {
		return false
	}
	return s.req.Force || !t.RefreshAt.IsZero() && !now.Before(t.RefreshAt)
}

// storeTrouble reports rows that could not be read or written.
func (s *sweep) storeTrouble(err error) {
	s.explain(outcomeOf(err), err)
	s.countFailure(err)
}

// countFailure counts a row on which a store failed, and ends the sweep if others would fail too.
func (s *sweep) countFailure(err error) {
	switch {
	case outcomeOf(err) == outcome.Misconfigured:
		s.stop(outcome.Transient, noPause) // no row can be read or written
	case s.storeFailed():
		s.warn(fmt.Sprintf("stopped after %d failures in a row, the last: %v", maxStoreFailures, err))
	}
}

// finish releases the claims and writes the account's history. The caller's cancellation does not
// end it.
func (s *sweep) finish(ctx context.Context) {
	ctx, cancel := s.persistContext(ctx)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() { s.release(ctx) })
	s.writeHistory(ctx)
	wg.Wait()
}

// worker runs jobs one after the other.
type worker chan func()

// pool holds the idle workers of a run. They live as long as the run: calls need a deep stack,
// which a new goroutine for each row would have to grow each time.
type pool chan worker

// newPool starts n workers. close ends them.
func newPool(n int) pool {
	idle := make(pool, n)
	for range n {
		w := make(worker)
		go func() {
			for job := range w {
				job()
				idle <- w
			}
		}()
		idle <- w
	}
	return idle
}

// close waits for the jobs under way and ends the workers.
func (p pool) close() {
	for range cap(p) {
		close(<-p)
	}
}
