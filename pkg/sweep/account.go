package sweep

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/store"
)

// sweep is the work of one run on the transactions of one account.
type sweep struct {
	*Engine
	req     Request
	account string
	listed  []store.Due // what the request lists
	began   time.Time
	ledger  func() ledgerRead // read once a run, in the background
	crew    crew              // shared by all accounts

	tally
	brake

	index       [store.Shards][]store.Due // what is due
	more        [store.Shards]bool        // whether the index may hold more of it
	row         store.Row                 // the account's own
	exists      bool
	credentials store.Version
	session     providers.Session
	stored      []store.Claim             // as read
	claims      [store.Shards]store.Claim // as written; zero where there is none
}

// run finds out what is due and does it.
func (s *sweep) run(ctx context.Context) {
	defer s.contain(ctx)
	switch {
	case s.req.TransactionID != 0:
		s.lookAtOne(ctx)
	case len(s.req.TransactionIDs) > 0:
		s.takeListed()
	default:
		s.look(ctx)
	}
	read := s.ledger()
	if read.err != nil {
		s.leave(lasting(read.err), fmt.Errorf("read the ledger: %w", read.err))
		return
	}
	s.stored = read.claims
	s.row = store.Row{Key: s.key(s.account)}
	if i := slices.IndexFunc(read.rows, func(r store.Row) bool { return r.Account == s.account }); i >= 0 {
		s.row, s.exists = read.rows[i], true
	}
	s.report.Before = s.row.LastOutcome
	if len(s.due()) == 0 {
		s.idle(ctx)
		return
	}
	if what, err := s.barred(); what != "" {
		s.leave(what, err)
		return
	}
	var wg sync.WaitGroup
	wg.Go(func() { s.lookFurther(ctx) })
	what, err := s.open(ctx)
	wg.Wait()
	if what != "" {
		s.leave(what, err)
		if what == outcome.Misconfigured && !s.noted() {
			s.stop(what)
			s.note(ctx)
		}
		return
	}
	s.claim(ctx)
	due := s.due()
	s.index = [store.Shards][]store.Due{} // no second copy while the rows are worked on
	s.share(ctx, due)
	s.finish(ctx)
}

// idle ends a sweep with nothing due. Where there is nothing at all, it tells whether
// the first transaction could be refreshed.
func (s *sweep) idle(ctx context.Context) {
	if len(s.report.Outcomes) > 0 {
		return
	}
	if s.req.TransactionID == 0 && s.report.NextExpiry.IsZero() && !s.row.Paused {
		if what, err := s.open(ctx); what != "" {
			s.blind() // an account without credentials is not healthy
			s.leave(what, err)
			return
		}
	}
	s.count(outcome.NotDue, 1)
}

// contain ends the panic of one account, or of one row.
func (s *sweep) contain(ctx context.Context) {
	if p := recover(); p != nil {
		s.panicked(ctx, p)
		s.count(outcome.Transient, 1)
	}
}

// panicked tells of a panic. Its value may hold anything; its type and the stack may be
// shown.
func (s *sweep) panicked(ctx context.Context, p any) {
	s.Log.ErrorContext(ctx, "panic", "account", s.account, "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
	s.need(Result{Outcome: outcome.Transient, Err: outcome.ErrPanic, Panicked: true})
}

// key is the ledger's key of an account.
func (s *sweep) key(account string) store.Key {
	return store.Key{Provider: s.Provider.Name(), Account: account}
}

// barred is what keeps the sweep from calls, as far as the ledger knows.
func (s *sweep) barred() (outcome.Outcome, error) {
	if s.row.Unreadable != nil {
		return outcome.Misconfigured, s.row.Unreadable
	}
	if s.row.Paused {
		return outcome.Paused, nil
	}
	if s.Now().Before(s.row.NotBefore) && !s.req.Force {
		return outcome.RateLimited, fmt.Errorf("the provider wants no call before %s", s.row.NotBefore.UTC().Format(time.RFC3339))
	}
	if s.listed != nil && troubled(s.row) {
		return outcome.Transient, errors.New(
			"the last runs did not get through: rows are left to the next sweep, which finds out alone whether calls do again")
	}
	return "", nil
}

// open reads the credentials; the outcome is empty where there is a session.
func (s *sweep) open(ctx context.Context) (outcome.Outcome, error) {
	key := s.key(s.account)
	secret := "secret " + store.NameOf(s.Secrets, key, store.Credentials)
	v, err := s.Secrets.Current(ctx, key, store.Credentials)
	s.credentials = v
	switch {
	case errors.Is(err, store.ErrNoValue):
		return outcome.NotSeeded, fmt.Errorf("%s: %w: put the provider's credentials into it", secret, err)
	case errors.Is(err, store.ErrNoSecret):
		return outcome.Misconfigured, fmt.Errorf("%s: %w: create it with the provider's credentials", secret, err)
	case errors.Is(err, store.ErrMalformed):
		return outcome.Misconfigured, fmt.Errorf("%s: %w: put the provider's credentials into it as JSON", secret, err)
	case errors.Is(err, store.ErrForbidden):
		return outcome.Misconfigured, fmt.Errorf("%s: %w: allow to read it, and to decrypt with its key", secret, err)
	case err != nil:
		return outcome.Transient, fmt.Errorf("%s: %w", secret, err)
	}
	s.session, err = s.Provider.Open(v.Value)
	switch {
	case errors.Is(err, providers.ErrNotSeeded):
		return outcome.NotSeeded, fmt.Errorf("%s: %w: put the provider's credentials into it", secret, err)
	case err != nil:
		return outcome.Misconfigured, fmt.Errorf("%s: %w", secret, err)
	case s.noted() && !s.req.Force:
		return outcome.Misconfigured, fmt.Errorf(
			"%s: the provider refused these credentials, and nothing was tried since: correct them, or force a run", secret)
	}
	return "", nil
}

// noted reports whether the ledger knows already that these credentials are wrong.
func (s *sweep) noted() bool {
	return s.row.State == store.Misconfigured && s.row.CredentialsVersionID == s.credentials.ID
}

// leave says why the sweep does nothing of what is due, or could not tell what is.
func (s *sweep) leave(what outcome.Outcome, err error) {
	due := s.due()
	s.left(what, due...)
	if len(due) == 0 {
		s.count(what, 1)
	}
	if err != nil {
		s.say(what, err)
	}
}

// left counts rows that the sweep did not come to: they stay due.
func (s *sweep) left(what outcome.Outcome, due ...store.Due) {
	s.count(what, len(due))
	now := s.Now()
	for _, d := range due {
		if what != outcome.Busy {
			s.outlook(d.RefreshAt, orElse(d.AccessExpiresAt, d.RefreshAt), d.Failures) // without a token since it was due
		}
		if what != outcome.Busy && !now.Before(d.RefreshAt) {
			s.backlog(d.RefreshAt)
		}
	}
}

// lasting is the outcome of an error of a store: it passes, or it waits for a person.
func lasting(err error) outcome.Outcome {
	if errors.Is(err, store.ErrForbidden) || errors.Is(err, errInvalid) {
		return outcome.Misconfigured
	}
	return outcome.Transient
}
