package sweep

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/store"
)

// sweep is one run's work on the transactions of one account.
type sweep struct {
	*Engine
	req     Request
	account string
	listed  []store.Due // the rows that the request lists
	began   time.Time
	ledger  func() ledgerRead // read once for each run, in the background
	waiting int               // accounts that wait for an edit or a time
	pool    pool              // shared by all accounts

	tally
	breaker

	index       [store.Shards][]store.Due // the due rows
	more        [store.Shards]bool        // whether the index may hold more due rows
	row         store.Row                 // the account's own
	exists      bool
	credentials store.Version
	session     providers.Session
	readClaims  []store.ShardClaim
	claims      [store.Shards]store.ShardClaim // as written; zero: not claimed
}

// run finds the due rows and refreshes them.
func (s *sweep) run(ctx context.Context) {
	defer s.recoverPanic(ctx)
	switch {
	case s.req.TransactionID != 0:
		s.readNamed(ctx)
	case len(s.req.TransactionIDs) > 0:
		s.takeListed()
	default:
		s.readHeads(ctx)
	}
	read := s.ledger()
	if read.err != nil {
		s.skipAll(outcomeOf(read.err), withoutLedger(read.err))
		return
	}
	s.readClaims = read.claims
	s.row = store.Row{Key: s.key(s.account)}
	for _, row := range read.rows {
		if row.Account == s.account {
			s.row, s.exists = row, true
		}
		if s.Now().Before(row.RefreshAt) {
			s.waiting++
		}
	}
	s.report.Before = s.row.LastOutcome
	if len(s.due()) == 0 {
		s.nothingDue(ctx)
		return
	}
	if what, err := s.barred(); what != "" {
		s.skipAll(what, err)
		return
	}
	var wg sync.WaitGroup
	wg.Go(func() { s.readFurther(ctx) })
	what, err := s.openSession(ctx)
	wg.Wait()
	if what != "" {
		s.skipAll(what, err)
		if s.blocked && !s.knownMisconfigured() {
			s.stop(what, noPause)
			s.writeHistory(ctx)
		}
		return
	}
	s.prepare(s.firstCalls())
	s.claim(ctx)
	due := s.due()
	s.index = [store.Shards][]store.Due{} // no second copy while the rows are worked on
	s.distribute(ctx, due)
	s.finish(ctx)
}

// withoutLedger is the error if the ledger cannot be read. Nothing is refreshed then, because other
// runs cannot be seen.
func withoutLedger(err error) error { return fmt.Errorf("read the ledger: %w", err) }

// nothingDue ends a sweep without due rows. If there are no rows at all, it checks that a
// first one could be refreshed.
func (s *sweep) nothingDue(ctx context.Context) {
	if len(s.report.Outcomes) > 0 {
		return
	}
	if s.req.TransactionID == 0 && s.report.NextExpiry.IsZero() && !s.row.Paused {
		if what, err := s.openSession(ctx); what != "" {
			s.markBlind() // an account without credentials is not healthy
			s.skipAll(what, err)
			return
		}
	}
	s.count(outcome.NotDue, 1)
}

// recoverPanic ends the panic of one account, or of one row.
func (s *sweep) recoverPanic(ctx context.Context) {
	if p := recover(); p != nil {
		s.reportPanic(ctx, p)
		s.count(outcome.Transient, 1)
	}
}

// reportPanic logs a panic. Its value may hold a secret, so only its type and the stack
// are shown.
func (s *sweep) reportPanic(ctx context.Context, p any) {
	s.Log.ErrorContext(ctx, "panic", "account", s.account, "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
	s.addNeed(Result{Outcome: outcome.Transient, Err: outcome.ErrPanic, Panicked: true})
}

// key returns the ledger's key of an account.
func (s *sweep) key(account string) store.Key {
	return store.Key{Provider: s.Provider.Name(), Account: account}
}

// skipAll skips all due rows, with the reason.
func (s *sweep) skipAll(what outcome.Outcome, err error) {
	due := s.due()
	s.skipDue(what, due...)
	if len(due) == 0 {
		s.count(what, 1)
	}
	if err != nil {
		s.explain(what, err)
	}
}

// skipDue counts rows that stay due, with the outcome as the reason.
func (s *sweep) skipDue(what outcome.Outcome, due ...store.Due) {
	s.count(what, len(due))
	now := s.Now()
	for _, d := range due {
		if what != outcome.Busy {
			s.forecast(d.RefreshAt, orElse(d.AccessExpiresAt, d.RefreshAt), d.Failures) // without a token since it was due
		}
		if what != outcome.Busy && !now.Before(d.RefreshAt) {
			s.addBacklog(d.RefreshAt)
		}
	}
}

// outcomeOf returns the outcome of a store's error: Misconfigured if a person must act,
// else Transient.
func outcomeOf(err error) outcome.Outcome {
	if errors.Is(err, store.ErrForbidden) || errors.Is(err, errInvalid) {
		return outcome.Misconfigured
	}
	return outcome.Transient
}
