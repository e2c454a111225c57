package refresh

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

const (
	// fenceAge is how old a claim may be at the send without another check: a frozen process can
	// wake up long after its claim ran out.
	fenceAge = 2 * time.Second
	// sendTries is how often a request is begun, as long as no byte of it has left.
	sendTries = 3
)

// errClaimLost ends a send whose claim somebody took over before it began.
var errClaimLost = errors.New("the claim was taken over")

// errNotTried is in the errors of calls that this run did not try.
var errNotTried = errors.New("not begun")

// refresh claims, and presents the refresh token once.
func (a *visit) refresh(ctx context.Context, s Step) (result Result, ended bool) {
	if s.stale {
		a.v.Tokens.Version, a.v.chain, a.v.chainErr = a.v.last.Version, s.chain, nil
	}
	next, fate := claimRefresh(a.v, s, a.holder(ctx), a.NewID()), a.v.Row.Fate
	a.v.chain = s.chain // the next chain takes its unknown keys from it
	if result, ended := a.claim(ctx, next, s.Do); ended {
		return result, true
	}
	tokens, err := a.present(ctx, s)
	if err == nil {
		return a.store(ctx, a.chainOf(tokens), outcome.Refreshed), true
	}
	if failed, ok := errors.AsType[*providers.Error](err); ok && failed.Partial != nil {
		return a.storePart(ctx, failed), true
	}
	switch alive := providers.KindOf(err).Alive(); {
	case s.again && alive:
		a.v.Row = withFate(a.v.Row, fate) // as if it had not been presented once more
	case s.again:
		err = a.v.presentedBefore(err)
	case alive:
		a.v.Row = unspent(a.v.Row, s.token())
	}
	return a.failed(ctx, err)
}

// present presents the token of s. If it was presented before, its issuer is asked again first: an
// earlier request may have arrived since, and time has passed.
func (a *visit) present(ctx context.Context, s Step) (providers.Tokens, error) {
	if s.asked {
		if again := a.v.ask(ctx); again.is != providers.NotActed {
			err := fmt.Errorf("its issuer says of it now: %s", again.is)
			return providers.Tokens{}, a.notSent("it was presented before", errors.Join(err, again.err))
		}
	}
	return a.send(ctx, func(ctx context.Context) (providers.Tokens, error) {
		a.v.Now = a.Now() // time has passed since it was decided to present it again
		if s.again && !s.asked && !s.resort && !a.v.takenAgain(s.chain) {
			return providers.Tokens{}, a.notSent("it was presented before", errors.New("its issuer no longer takes it again"))
		}
		return a.v.session.Refresh(ctx, s.token())
	})
}

// storePart makes the readable part of a reply current: its access token. The presented refresh
// token is spent and the new one cannot be read, so the chain has none. The raw reply is kept, for
// a release or for credentials that can read it.
func (a *visit) storePart(ctx context.Context, failed *providers.Error) Result {
	a.keepRaw(ctx, failed.Raw, failed.Sent)
	a.noteReply(*failed.Partial)
	c := a.chainOf(*failed.Partial)
	c.refreshToken, c.refreshExpiresAt = secret.String{}, time.Time{}
	result := a.store(ctx, c, outcome.Refreshed)
	if a.v.Row.State != store.Uncertain {
		a.warnings = append(a.warnings, failed.Error())
		return result
	}
	if result.Outcome == outcome.Refreshed {
		result.Outcome = outcome.Uncertain
	}
	result.Err = errors.Join(failed, a.v.adviseNewToken(), result.Err)
	return result
}

// chainOf is the chain of a reply to the call under the claim.
func (a *visit) chainOf(t providers.Tokens) chain {
	return newChain(t, a.v.chain, a.v.Row.AttemptSource, a.v.Row.AttemptID, a.v.Row.Fence)
}

// login claims, and presents the credentials once. It presents no refresh token.
func (a *visit) login(ctx context.Context) (result Result, ended bool) {
	next := claimLogin(a.v, a.holder(ctx), a.NewID())
	if result, ended := a.claim(ctx, next, Login); ended {
		return result, true
	}
	tokens, err := a.send(ctx, a.v.session.Login)
	if err == nil {
		a.keepRaw(ctx, tokens.Raw, tokens.IssuedAt)
		return a.store(ctx, a.chainOf(tokens), outcome.LoggedIn), true
	}
	return a.failed(ctx, err)
}

// failed leaves the consequences of a call without tokens to the next decision.
func (a *visit) failed(ctx context.Context, err error) (Result, bool) {
	if errors.Is(err, errClaimLost) {
		return Result{Outcome: outcome.Busy}, true
	}
	if failed, ok := errors.AsType[*providers.Error](err); ok {
		a.keepRaw(ctx, failed.Raw, failed.Sent)
	}
	a.v.ended = &ended{providers.KindOf(err), err, errors.Is(err, errNotTried)}
	return Result{}, false
}

// send makes one provider call, before the attempt ends. It begins again only if no byte has left.
func (a *visit) send(
	ctx context.Context, call func(context.Context) (providers.Tokens, error),
) (providers.Tokens, error) {
	ctx, cancel := context.WithDeadline(ctx, a.ends)
	defer cancel()
	wait := retryFirst
	for try := 1; ; try++ {
		if err := a.holds(ctx); err != nil {
			return providers.Tokens{}, err
		}
		callCtx, cancel := context.WithTimeout(ctx, a.SendTimeout+pace.LastWord)
		began := time.Now()
		tokens, err := call(callCtx)
		cancel()
		a.latency = time.Since(began)
		if err == nil {
			a.noteReply(tokens)
			return tokens, nil
		}
		hung := a.latency > a.SendTimeout/2 // a slot is too expensive to hang in twice
		if providers.KindOf(err) != providers.NotSent || try == sendTries || hung || a.tooLate(ctx) != nil {
			return tokens, err
		}
		if !pace.Sleep(ctx, wait) {
			return tokens, err
		}
		wait *= 2
	}
}

// noteReply records the facts of a reply beside its tokens.
func (a *visit) noteReply(t providers.Tokens) {
	if !t.ServerDate.IsZero() {
		a.skew, a.clockRead = t.ServerDate.Sub(t.IssuedAt).Truncate(time.Second), true
	}
	a.warnings = append(a.warnings, t.Warnings...)
}

// holds checks the fence again if time has passed since the claim. That narrows the window in which
// a stale holder sends, but cannot close it. The fingerprint closes it: another run never sends a
// stale holder's token.
func (a *visit) holds(ctx context.Context) error {
	// While the machine sleeps, its clock runs on and the process's own stands still.
	if asleep := a.Now().Sub(a.claimedAt); time.Since(a.claimed) < fenceAge && asleep.Abs() < fenceAge {
		return nil
	}
	held, err := a.stillHeld(ctx)
	if err != nil {
		return a.notSent("the claim could not be checked", err)
	}
	if !held {
		return errClaimLost
	}
	if err := a.tooLate(ctx); err != nil {
		return a.notSent("claiming took too long", err)
	}
	a.claimed, a.claimedAt = time.Now(), a.Now()
	return nil
}

func (a *visit) notSent(hint string, err error) error {
	return &providers.Error{
		Kind: providers.NotSent, Provider: a.v.Row.Provider, Op: "send", Hint: hint, Err: fmt.Errorf("%w: %w", errNotTried, err),
	}
}
