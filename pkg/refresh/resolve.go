package refresh

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/store"
)

// Resolution is what a person decides of a credential that waits for one, or whose last
// attempt left something behind.
type Resolution string

// The resolutions.
const (
	// Accept makes the reply that the last attempt has left the current one, also over a
	// version that somebody has put there since.
	Accept Resolution = "accept"
	// Relogin logs in once, now, whatever the state and the back-offs say.
	Relogin Resolution = "relogin"
	// Discard forgets the last attempt and what it has left: refreshes go on from the
	// current version.
	Discard Resolution = "discard"
)

// Resolutions are all of them.
var Resolutions = []Resolution{Accept, Relogin, Discard}

// ErrUnresolved is in the errors of resolutions that would lose a token, or have nothing
// to work with. Nothing was written or called.
var ErrUnresolved = errors.New("not resolved")

// Resolve does what a person decided for the account of req, under the same claim as a
// run, and with the same outcomes: recovered after Accept, logged_in after Relogin,
// superseded after Discard, busy while another run is at work. req.Force and req.DryRun
// mean nothing here. An error is ErrUnresolved, and says what to do instead.
func (e *Engine) Resolve(ctx context.Context, req Request, how Resolution) (Result, error) {
	ctx, cancel := pace.Bounded(ctx, e.RunTimeout)
	defer cancel()
	req.Force, req.DryRun, req.began = false, false, e.Now()
	rows, err := e.rows(ctx, req.Account)
	if err != nil {
		return e.withoutLedger(req, err)[0], nil
	}
	k := rows[0]
	if !k.exists {
		return Result{}, fmt.Errorf("%w: the ledger knows nothing of %s", ErrUnresolved, k.row.Key)
	}
	var refusal error
	result := e.one(ctx, req, k, func(a *attempt, ctx context.Context) Result {
		var result Result
		result, refusal = a.resolve(ctx, how)
		return result
	})
	return result, refusal
}

// resolve does it, unless a run is at work or has left work for the next.
func (a *attempt) resolve(ctx context.Context, how Resolution) (Result, error) {
	if a.row.Phase == store.Sending && a.Now().Before(a.row.ClaimedUntil) {
		return Result{Outcome: outcome.Busy}, nil
	}
	if a.row.Phase == store.Sending && how == Relogin {
		return a.recover(ctx), nil // which logs in, where the attempt has left nothing
	}
	a.look(ctx, true)
	if err := a.certain(ctx); err != nil {
		return Result{Outcome: outcomeOf(err), Err: err}, nil
	}
	switch how {
	case Accept:
		return a.accept(ctx)
	case Relogin:
		return a.relogin(ctx)
	case Discard:
		return a.discard(ctx)
	}
	return Result{}, fmt.Errorf("%w: there is no resolution %q", ErrUnresolved, how)
}

// certain is an error where the secrets could not be read, or not as they are now: what
// a person decides is decided over what is current, and not over a stale read.
func (a *attempt) certain(ctx context.Context) error {
	if s := a.read; s.stagedErr != nil || s.tokensErr != nil {
		return errors.Join(a.at(store.TokensDoc, s.stagedErr), a.at(store.TokensDoc, s.tokensErr))
	}
	return a.confirm(ctx)
}

// left is the reply that the last attempts have left, and whether it is a version of
// tokens already.
func (a *attempt) left() (c chain, staged bool, err error) {
	if v := a.read.staged; v.ID != "" {
		c, err = parseChain(v.Value)
		c.attemptID = v.ID
		return c, true, a.at(store.TokensDoc, err)
	}
	if a.unpromoted() {
		c, err = parseChain(a.row.Escrow.Bytes)
		c.attemptID = a.row.Escrow.AttemptID
		return c, false, err
	}
	c, _ = a.decodeRaw()
	return c, false, nil
}

// restsOn reports whether nothing is left of any attempt, and version id is current and
// settled.
func (a *attempt) restsOn(id string) bool {
	r := a.row
	return r.Phase != store.Sending && r.State == store.OK && r.Escrow.AttemptID == "" && r.VersionID == id && a.read.tokens.ID == id
}

// accept promotes the reply that was left.
func (a *attempt) accept(ctx context.Context) (Result, error) {
	c, staged, err := a.left()
	switch {
	case err != nil:
		return Result{}, fmt.Errorf("%w: the stored reply cannot be read: %w", ErrUnresolved, err)
	case c.attemptID == "":
		return Result{}, fmt.Errorf("%w: no reply is stored: relogin, or put a new refresh token into the secret %s",
			ErrUnresolved, a.name(store.TokensDoc))
	case a.spent(c.refreshToken):
		return Result{}, fmt.Errorf("%w: the stored reply's refresh token was presented since: relogin, or put a new one into %s",
			ErrUnresolved, a.name(store.TokensDoc))
	case a.restsOn(c.attemptID) && a.row.PublishedVersionID == c.attemptID:
		return Result{}, fmt.Errorf("%w: the last reply is current already", ErrUnresolved)
	}
	next := a.row
	next.AttemptID, next.AttemptSource, next.BaseVersionID = c.attemptID, c.source, a.read.tokens.ID
	if result, ok := a.take(ctx, next); !ok {
		return result, nil
	}
	return a.finish(ctx, c, staged), nil
}

// relogin logs in once.
func (a *attempt) relogin(ctx context.Context) (Result, error) {
	if a.row.Paused {
		return Result{}, fmt.Errorf("%w: it is paused: resume it first", ErrUnresolved)
	}
	if result, ok := a.readable(ctx); !ok {
		return result, nil
	}
	if !a.canLogin() {
		return Result{}, fmt.Errorf("%w: the secret %s has no login", ErrUnresolved, a.name(store.Credentials))
	}
	a.req.Force = true
	token := a.read.chain.refreshToken
	a.unneeded = a.row.State == store.OK && !token.Blank() && !a.spent(token) && !a.unaccounted()
	return a.login(ctx), nil
}

// discard ends the attempt and forgets what it left.
func (a *attempt) discard(ctx context.Context) (Result, error) {
	s := a.read
	token := s.chain.refreshToken
	switch {
	case s.chainErr != nil:
		return Result{}, fmt.Errorf("%w: %w", ErrUnresolved, a.at(store.TokensDoc, s.chainErr))
	case a.restsOn(s.tokens.ID) && a.row.LoginFailures == 0:
		return Result{}, fmt.Errorf("%w: there is nothing to discard", ErrUnresolved)
	case a.carried():
		return Result{}, fmt.Errorf("%w: the stored reply is the newest chain: accept it", ErrUnresolved)
	case token.Blank():
		return Result{}, fmt.Errorf("%w: there is no refresh token in the secret %s to go on from: relogin, or put one there",
			ErrUnresolved, a.name(store.TokensDoc))
	case a.spent(token), a.unaccounted():
		return Result{}, fmt.Errorf("%w: the refresh token in %s may have been presented: accept, relogin, or put a new one there",
			ErrUnresolved, a.name(store.TokensDoc))
	}
	return a.forgo(ctx), nil
}

// forgo writes, in one step, that the attempt is over and the current version stands. A
// claim would leave an attempt of which nobody knows what it has sent.
func (a *attempt) forgo(ctx context.Context) Result {
	guard := a.unchanged()
	current := a.read.tokens.ID
	a.row.Phase = store.Idle
	a.row.Fence++
	a.row.Escrow = store.Escrow{}
	a.row.State = store.OK
	a.row.VersionID, a.row.SeenVersionID, a.row.CredentialsVersionID = current, current, a.read.credentials.ID
	a.row.NotBefore, a.row.LoginFailures = time.Time{}, 0
	a.row.RefreshAt = a.Now()
	a.count(outcome.Superseded, nil)

	err := a.retry(ctx, claimTries, func(ctx context.Context) error { return a.Ledger.Write(ctx, a.row, guard) })
	var lost *store.LostError
	switch {
	case err == nil, errors.As(err, &lost) && lost.Exists && a.settled(lost.Current): // or the try before had been done
		return Result{Outcome: outcome.Superseded, VersionID: current, AttemptID: a.row.AttemptID}
	case errors.As(err, &lost):
		return Result{Outcome: outcome.Busy}
	}
	return Result{Outcome: outcomeOf(err), Err: fmt.Errorf("settle in the ledger: %w", err)}
}
