package sweep

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/store"
)

// barred returns why the account's row forbids calls; empty if it doesn't.
func (s *sweep) barred() (outcome.Outcome, error) {
	switch {
	case s.row.Unreadable != nil:
		return outcome.Misconfigured, s.row.Unreadable
	case s.row.Paused:
		return outcome.Paused, nil
	case s.Now().Before(s.row.NotBefore) && !s.req.Force:
		return outcome.RateLimited, fmt.Errorf("the provider wants no call before %s", stamp(s.row.NotBefore))
	case s.listed != nil && inTrouble(s.row):
		return outcome.Transient, errors.New(
			"the calls of the last runs failed: these rows are left to the next sweep, which tries one call first")
	case s.waits() && !pace.LookForEdit(s.account, s.waiting, s.Now(), s.Tick):
		return s.waitOutcome()
	}
	return "", nil
}

// waits reports whether calls wait for a time, or for an edit of the credentials.
func (s *sweep) waits() bool { return s.Now().Before(s.row.RefreshAt) && !s.req.Force }

// waitOutcome returns the outcome of rows that wait with their account, and why.
func (s *sweep) waitOutcome() (outcome.Outcome, error) {
	at := stamp(s.row.RefreshAt)
	if s.row.State == store.Misconfigured {
		return outcome.Misconfigured, fmt.Errorf("secret %s: the provider refused these credentials: "+
			"correct them, which ends the wait; else the next try is at %s, or with a forced run", s.credentialsName(), at)
	}
	what := outcome.Transient
	if s.row.LastOutcome == outcome.Misconfigured {
		what = outcome.Misconfigured
	}
	return what, retriedError{fmt.Errorf("the last calls failed, the next is tried at %s: %s", at, s.row.LastError)}
}

// openSession reads the credentials. The outcome is empty on success.
func (s *sweep) openSession(ctx context.Context) (outcome.Outcome, error) {
	secret := "secret " + s.credentialsName()
	v, err := s.Secrets.Current(ctx, s.key(s.account), store.Credentials)
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
	case s.waits() && !s.edited():
		return s.waitOutcome()
	}
	return "", nil
}

// edited reports whether a person has changed the credentials since the account's row was
// written.
func (s *sweep) edited() bool { return s.row.CredentialsVersionID != s.credentials.ID }

// knownMisconfigured reports whether the ledger has already noted that these credentials wait for a
// person.
func (s *sweep) knownMisconfigured() bool { return s.row.State == store.Misconfigured && !s.edited() }

// firstCalls returns how many calls run at once until one was answered: one if these
// credentials may be wrong or a rate limit has just ended, two if no call succeeded last.
func (s *sweep) firstCalls() int {
	proven := !s.row.LastSuccessAt.IsZero() && !s.edited()
	switch {
	case !proven, s.row.State == store.Misconfigured, !s.row.NotBefore.IsZero():
		return 1
	case inTrouble(s.row):
		return 2
	}
	return firstCalls
}

func (s *sweep) credentialsName() string {
	return store.NameOf(s.Secrets, s.key(s.account), store.Credentials)
}

func stamp(at time.Time) string { return at.UTC().Format(time.RFC3339) }
