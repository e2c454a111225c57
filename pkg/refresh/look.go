package refresh

import (
	"context"
	"errors"
	"fmt"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/store"
)

// snapshot is what the secrets said, read in parallel after the row.
type snapshot struct {
	credentials    store.Version
	credentialsErr error
	tokens         store.Version // zero: no current version
	tokensErr      error
	staged         store.Version // version of tokens named by the row's attempt id; zero: none
	stagedErr      error

	session    providers.Session
	sessionErr error
	chain      chain
	chainErr   error
	chainID    string // version of tokens that chain was read from

	// The version of access that is to be replaced. It is read beside the claim, which
	// saves a connection to the secrets and no time.
	accessID  string
	accessErr error
	labelled  bool // whether it was read
}

// look reads the secrets in parallel. staged: also the version that the row's
// attempt would have stored.
func (a *attempt) look(ctx context.Context, staged bool) {
	var s snapshot
	reads := []func(){
		func() { s.tokens, s.tokensErr = a.Secrets.Current(ctx, a.row.Key, store.TokensDoc) },
		func() { s.credentials, s.credentialsErr = a.Secrets.Current(ctx, a.row.Key, store.Credentials) },
	}
	if staged && a.row.AttemptID != "" {
		reads = append(reads, func() {
			s.staged, s.stagedErr = a.Secrets.ByID(ctx, a.row.Key, store.TokensDoc, a.row.AttemptID)
		})
	}
	together(reads...)

	if errors.Is(s.stagedErr, store.ErrNoVersion) || errors.Is(s.stagedErr, store.ErrNoValue) {
		s.stagedErr = nil
	}
	if errors.Is(s.tokensErr, store.ErrNoValue) {
		s.tokensErr = nil
	}
	if s.credentialsErr == nil {
		s.session, s.sessionErr = a.Provider.Open(s.credentials.Value)
	}
	s.chain, s.chainErr = parseChain(s.tokens.Value)
	s.chainID = s.tokens.ID
	a.read = s
}

// readable reports whether the secrets allow an attempt; if not, the result says
// what is wrong, and nothing is sent or overwritten.
func (a *attempt) readable(ctx context.Context) (Result, bool) {
	s := a.read
	if errors.Is(s.credentialsErr, store.ErrNoValue) || errors.Is(s.sessionErr, providers.ErrNotSeeded) {
		return notSeeded("%s: put them into the secret %s", providers.ErrNotSeeded, a.name(store.Credentials)), false
	}
	problems := []error{
		a.at(store.Credentials, s.credentialsErr), a.at(store.TokensDoc, s.tokensErr),
		a.at(store.Credentials, s.sessionErr), a.at(store.TokensDoc, s.chainErr),
	}
	err := errors.Join(problems...)
	if err == nil {
		return Result{}, true
	}
	for _, read := range []error{s.credentialsErr, s.tokensErr} {
		if read != nil && !lasting(read) {
			return Result{Outcome: outcome.Transient, Err: err}, false
		}
	}
	return a.note(ctx, store.Misconfigured, err), false
}

// notSeeded is the result of a new deployment: no error, but a word on what to do.
func notSeeded(format string, args ...any) Result {
	return Result{Outcome: outcome.NotSeeded, Warnings: []string{fmt.Sprintf(format, args...)}}
}

func (a *attempt) name(doc store.Document) string { return store.NameOf(a.Secrets, a.row.Key, doc) }

// at says which secret an error is about.
func (a *attempt) at(doc store.Document, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("secret %s: %w", a.name(doc), err)
}

// outcomeOf is the outcome of an error of the secrets: it passes, or waits for a person.
func outcomeOf(err error) outcome.Outcome {
	if lasting(err) {
		return outcome.Misconfigured
	}
	return outcome.Transient
}

// lasting reports whether an error of the secrets stays until a person acts.
func lasting(err error) bool {
	return errors.Is(err, store.ErrNoSecret) || errors.Is(err, store.ErrForbidden) || errors.Is(err, store.ErrMalformed)
}
