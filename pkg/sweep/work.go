package sweep

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/store"
)

// errStopped keeps a row from a call after other rows' calls have shown enough.
var errStopped = errors.New("the sweep was stopped")

// work refreshes rows in their order, as many at once as there are workers, until
// they are done, the brake stops it or too little time is left.
func (s *sweep) work(ctx context.Context, due []store.Due) {
	// After a stop nobody knows yet whether calls get through again: one shows it.
	wary := s.row.State == store.Misconfigured || !s.row.NotBefore.IsZero()
	var wg sync.WaitGroup
	for i, row := range s.readAhead(ctx, due) {
		if row.missed != "" {
			s.left(row.missed, due[i])
			continue
		}
		worker, err := s.admit(ctx)
		if err != nil {
			s.putOff(err, due[i:]...)
			break
		}
		wg.Add(1)
		worker <- func() {
			defer wg.Done()
			s.visit(ctx, due[i], row.Read)
		}
		if wary {
			wg.Wait()
			wary = !s.called() // a row may have needed none
		}
	}
	wg.Wait()
}

// admit waits for a free worker; an error where no further row may be begun.
func (s *sweep) admit(ctx context.Context) (worker, error) {
	select {
	case w := <-s.crew:
		if err := s.goOn(ctx); err != nil {
			s.crew <- w
			return nil, err
		}
		return w, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// goOn is an error where no further call may begin.
func (s *sweep) goOn(ctx context.Context) error {
	if s.stopped() != "" {
		return errStopped
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return pace.Enough(ctx, s.SendTimeout+s.StoreTimeout)
}

// putOff leaves rows to the next run, because goOn said so.
func (s *sweep) putOff(err error, due ...store.Due) {
	if errors.Is(err, errStopped) {
		s.left(s.stopped(), due...)
		return
	}
	s.left(outcome.Transient, due...)
	s.warn(fmt.Sprintf("rows were left to the next run: %v", err))
}

// visit works on one row. The index is a hint: the row itself says what it needs.
func (s *sweep) visit(ctx context.Context, d store.Due, row store.Read) {
	defer s.contain(ctx)
	t := row.Transaction
	switch {
	case row.Err != nil:
		s.skip(d, fmt.Errorf("read transaction %d: %w", d.ID, row.Err))
	case !row.Found || t.Account != s.account || !s.wanted(t):
		if row.Found && t.Account != s.account {
			s.warn(fmt.Sprintf("transaction %d is of another account", d.ID))
		}
		if row.Found && t.Status == store.StatusActive {
			s.expiry(t.AccessExpiresAt)
		}
		s.count(outcome.NotDue, 1)
	case t.RefreshToken.Blank():
		s.skip(d, fmt.Errorf("transaction %d has no refresh token: record it again", d.ID))
	case s.req.DryRun:
		s.expiry(t.AccessExpiresAt)
		s.count(outcome.WouldRefresh, 1)
	default:
		s.refresh(ctx, t)
	}
}

// skip leaves a row that only a person can mend. It tells nothing of the store or the
// provider, and however many there are they stop no sweep.
func (s *sweep) skip(d store.Due, err error) {
	s.left(outcome.Transient, d)
	s.say(outcome.Transient, err)
}

// wanted reports whether a row is to be refreshed now.
func (s *sweep) wanted(t store.Transaction) bool {
	now := s.Now()
	revived := t.Status == store.StatusDead && s.req.Force && s.req.TransactionID == t.ID
	if t.Status != store.StatusActive && !revived || !t.ExpiresAt.IsZero() && !now.Before(t.ExpiresAt) {
		return false
	}
	return s.req.Force || !t.RefreshAt.IsZero() && !now.Before(t.RefreshAt)
}

// storeFailed tells of rows that could not be read or written.
func (s *sweep) storeFailed(err error) {
	what := lasting(err)
	s.say(what, err)
	if what == outcome.Misconfigured {
		s.stop(outcome.Transient) // no row can be
		return
	}
	s.troubled(err)
}

// troubled counts a row in trouble, and says so where that ends the sweep.
func (s *sweep) troubled(err error) {
	if s.trouble() {
		s.warn(fmt.Sprintf("stopped after %d failures in a row, the last: %v", troubleMost, err))
	}
}

// finish gives the claims back and writes the account's history, beyond the
// caller's cancellation and as far as it works.
func (s *sweep) finish(ctx context.Context) {
	ctx, cancel := s.persistContext(ctx)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() { s.release(ctx) })
	s.note(ctx)
	wg.Wait()
}

// persistContext is for what must be stored once a provider has answered.
func (s *sweep) persistContext(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), s.StoreTimeout)
}
