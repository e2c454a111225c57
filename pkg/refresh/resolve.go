package refresh

import (
	"context"
	"errors"
	"fmt"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/store"
)

// Resolution is a person's decision on a credential that waits for one, or whose last attempt left
// something behind.
type Resolution string

// The resolutions.
const (
	Accept  Resolution = "accept"  // make the reply current that the last attempt has left, even over an edit
	Relogin Resolution = "relogin" // log in once, now; if a dead attempt has left its reply, finish that instead
	Discard Resolution = "discard" // drop the last attempt and what it has left
	Retry   Resolution = "retry"   // present an uncertain refresh token once more, and never again: it may end the chain
)

// Resolutions are all of them.
var Resolutions = []Resolution{Accept, Relogin, Discard, Retry}

// ErrUnresolved is in the errors of resolutions that would lose a token, or have nothing
// to work with. Nothing was written or called.
var ErrUnresolved = errors.New("not resolved")

// Resolve does what a person decided for the account of req. Outcomes are recovered after Accept,
// logged_in or recovered after Relogin, superseded after Discard, refreshed after Retry, busy while
// another run is at work, and those of a run that failed. req.Force and req.DryRun are ignored. An
// error is ErrUnresolved, and says what to do instead.
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
		return Result{}, fmt.Errorf("%w: the ledger has no row of %s", ErrUnresolved, k.row.Key)
	}
	var refusal error
	result := e.one(ctx, req, k, func(a *visit, ctx context.Context) Result {
		var result Result
		result, refusal = a.resolve(ctx, how)
		return result
	})
	if refusal != nil {
		refusal = fmt.Errorf("%w: %w", ErrUnresolved, refusal)
	}
	return result, refusal
}

// resolve does what was decided, unless another run is at work. An error is why it must not be done.
func (a *visit) resolve(ctx context.Context, how Resolution) (Result, error) {
	a.v.Now = a.Now()
	step := Decide(a.v)
	if unreadable := a.v.Row.Unreadable != nil; unreadable || step.Outcome == outcome.Busy {
		return a.wait(ctx, step), nil //nolint:nilerr // it is in the result
	}
	if (how == Relogin || how == Retry) && a.v.Row.Paused {
		return Result{}, errors.New("it is paused: resume it first")
	}
	if how == Relogin && a.v.Stage() == Sending {
		a.v.Relogin, a.v.Force = true, true
		return a.run(ctx), nil // which takes the attempt over, and logs in if it has left nothing
	}
	// A person decides about the current versions: a stale read ends here.
	a.gather(ctx, Needs{Secrets: true, Staged: true, Access: true, Raw: true})
	unread := errors.Join(a.v.at(store.TokensDoc, a.v.staged.Err), a.v.at(store.TokensDoc, a.v.Tokens.Err))
	if err := a.v.access.Err; err != nil && !lasting(err) { // it may tell that the row was restored
		unread = errors.Join(unread, a.v.at(store.AccessDoc, err))
	}
	if unread != nil {
		return Result{Outcome: outcomeOf(unread), Err: unread}, nil
	}
	a.gather(ctx, Needs{Again: true})
	if err := a.v.moved(); err != nil {
		return Result{Outcome: outcomeOf(err), Err: err}, nil
	}
	switch how {
	case Accept:
		return a.accept(ctx)
	case Relogin:
		return a.relogin(ctx)
	case Discard:
		return a.discard(ctx)
	case Retry:
		return a.presentOnceMore(ctx)
	}
	return Result{}, fmt.Errorf("there is no resolution %q", how)
}

// accept promotes the reply that was left.
func (a *visit) accept(ctx context.Context) (Result, error) {
	c, err := a.v.acceptable()
	if err != nil {
		return Result{}, err
	}
	step := Step{Do: TakeOver, attemptID: c.attemptID, source: c.source, base: a.v.Tokens.ID}
	if result, ended := a.do(ctx, step); ended {
		return result, nil
	}
	return a.run(ctx), nil // which finds that reply
}

// relogin logs in once.
func (a *visit) relogin(ctx context.Context) (Result, error) {
	a.v.chainWorks = a.v.Row.State == store.OK && a.v.lives() && !a.v.restored()
	a.v.Relogin, a.v.Force = true, true
	if a.v.session != nil && !a.v.canLogin {
		return Result{}, fmt.Errorf("the secret %s has no login", a.v.name(store.Credentials))
	}
	return a.run(ctx), nil
}

// discard ends the attempt and forgets what it left: one write.
func (a *visit) discard(ctx context.Context) (Result, error) {
	if err := a.v.discardable(); err != nil {
		return Result{}, err
	}
	before, next := a.v.Row, discard(a.v)
	err := a.become(ctx, edgeDiscard, next, condition{guard: a.v.unchanged(), tries: claimTries, done: alreadySettled(next)})
	if err != nil {
		return unwritten(err), nil
	}
	a.wipeRaw(ctx, before, next)
	return Result{Outcome: outcome.Superseded, VersionID: next.VersionID, AttemptID: next.AttemptID}, nil
}

// presentOnceMore presents the uncertain token once more.
func (a *visit) presentOnceMore(ctx context.Context) (Result, error) {
	c, err := a.v.retriable()
	if err != nil {
		return Result{}, err
	}
	a.v.late = a.tooLate(ctx)
	step, _ := a.v.claims(Step{Do: Refresh, chain: c, version: a.v.Tokens.ID, again: true, resort: true})
	if result, ended := a.do(ctx, step); ended {
		return result, nil
	}
	return a.run(ctx), nil // which decides what follows a call that brought no tokens
}

// left is the reply that the last attempt has left. Empty: there is none.
func (v View) left() (c chain, err error) {
	partly := v.staged.ID == v.Row.VersionID && hasRawReply(v.Row) // the raw reply may hold the rest
	if v.staged.ID != "" && !partly {
		c, err = parseChain(v.staged.Value)
		return c.of(v.staged.ID), v.at(store.TokensDoc, err)
	}
	if hasEscrow(v.Row) {
		return v.escrowed()
	}
	c, _ = v.decoded()
	return c, nil
}

// restsOn reports whether the row is idle and healthy, has nothing left to finish, and is based on
// version id, which is current.
func (v View) restsOn(id string) bool {
	r := v.Row
	return v.idle() && r.State == store.OK && r.Escrow.AttemptID == "" && r.VersionID == id && v.Tokens.ID == id
}

// acceptable is the reply that was left, or why it cannot be accepted.
func (v View) acceptable() (chain, error) {
	c, err := v.left()
	switch {
	case err != nil:
		return c, fmt.Errorf("the stored reply cannot be read: %w", err)
	case v.restored():
		return c, v.refusedAsRestored()
	case c.attemptID == "":
		return c, fmt.Errorf("no reply is stored: %s", v.beginAnew())
	case v.presented(c.refreshToken):
		return c, fmt.Errorf("the stored reply's refresh token was presented since: %s", v.beginAnew())
	case v.restsOn(c.attemptID) && v.Row.PublishedVersionID == c.attemptID:
		return c, errors.New("the last reply is current already")
	}
	return c, nil
}

// discardable is why the last attempt cannot be given up; nil: it can.
func (v View) discardable() error {
	switch {
	case v.chainErr != nil:
		return v.at(store.TokensDoc, v.chainErr)
	case v.restsOn(v.Tokens.ID) && v.Row.ReplyID == "":
		return errors.New("there is nothing to discard")
	case v.restored():
		return v.refusedAsRestored()
	case v.escrowNewest():
		return errors.New("the stored reply is the newest chain: accept it")
	case v.chain.refreshToken.Blank():
		return fmt.Errorf("there is no refresh token to go on from: %s", v.beginAnew())
	case !v.currentLives():
		return fmt.Errorf("the refresh token in %s may have been presented: accept, or %s", v.name(store.TokensDoc), v.beginAnew())
	}
	return nil
}

// retriable is the chain whose token may be presented once more, or why there is none.
func (v View) retriable() (chain, error) {
	over, _ := v.claimOver()
	left, err := v.left()
	c, unread := v.newest()
	switch {
	case v.session == nil:
		return c, v.at(store.Credentials, errors.Join(v.Credentials.Err, v.sessionErr))
	case errors.Join(err, unread, v.chainErr) != nil:
		return c, errors.Join(err, unread, v.at(store.TokensDoc, v.chainErr))
	case !v.idle() || v.Row.State != store.Uncertain:
		return c, errors.New("its refresh token is not uncertain")
	case v.restored():
		return c, v.refusedAsRestored()
	case left.attemptID != "" && !v.presented(left.refreshToken):
		return c, errors.New("the reply is stored: accept it")
	case hasRawReply(v.Row):
		return c, fmt.Errorf("the provider has answered, and its reply is stored and could not be read: correct the secret %s",
			v.name(store.Credentials))
	case !v.presentedLast(c):
		return c, fmt.Errorf("the refresh token in %s is not the one that was presented last", v.name(store.TokensDoc))
	case v.Row.Fate == store.Retried:
		return c, fmt.Errorf("the refresh token was presented once more already: %s", v.beginAnew())
	case !over:
		return c, fmt.Errorf("the request with that refresh token may still be running: retry after %s", stamp(v.Row.ClaimedUntil))
	}
	return c, nil
}

// refusedAsRestored is why nothing can be decided over a restored row.
func (v View) refusedAsRestored() error {
	return fmt.Errorf("the ledger's row is older than the secrets, so any refresh token may have been presented: %s", v.beginAnew())
}
