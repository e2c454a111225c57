package refresh

import (
	"context"
	"errors"
	"fmt"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// canLogin reports whether the credentials that were read allow a login.
func (a *attempt) canLogin() bool { return a.read.session != nil && a.read.session.CanLogin() }

// withoutToken goes on where there is no refresh token that may be sent. stale is
// one that may not; empty: there is none at all.
func (a *attempt) withoutToken(ctx context.Context, stale secret.String) Result {
	switch {
	case a.canLogin() && a.req.DryRun:
		return Result{Outcome: outcome.WouldLogin}
	case a.canLogin():
		return a.login(ctx)
	case stale.IsZero() && a.row.AttemptID == "": // there never was one
		return notSeeded("there is neither a login in the secret %s nor a refresh token in the secret %s",
			a.name(store.Credentials), a.name(store.TokensDoc))
	case stale.IsZero():
		cause := fmt.Errorf("there is no refresh token in the secret %s", a.name(store.TokensDoc))
		return a.note(ctx, store.Dead, errors.Join(cause, a.newChain()))
	case a.row.State == store.Dead:
		return a.note(ctx, store.Dead, a.waitingFor(store.Dead))
	default:
		return a.note(ctx, store.Uncertain, a.waitingFor(store.Uncertain))
	}
}

// login makes one attempt by login. It presents no refresh token.
func (a *attempt) login(ctx context.Context) Result {
	if now := a.Now(); now.Before(a.row.RefreshAt) {
		// There is no chain any more, and perhaps no access token: a login that fails is not
		// to wait for the moment when the old one would have been due.
		a.row.RefreshAt = now
	}
	if backedOff := a.row.LoginFailures > 0 && a.Now().Before(a.row.NotBefore); backedOff && !a.req.Force && !a.edited() {
		return a.release(ctx, outcome.Transient, fmt.Errorf("the last login failed: the next is at %s", stamp(a.row.NotBefore)))
	}
	if err := a.enough(ctx); err != nil {
		return a.release(ctx, outcome.Transient, err)
	}
	if a.row.Phase != store.Sending && a.unseen() {
		// What comes of a stale read would be taken for outdated by the next run.
		if err := a.confirm(ctx); err != nil {
			return Result{Outcome: outcome.Transient, Err: err}
		}
	}
	if result, ok := a.claim(ctx, store.FromLogin, ""); !ok {
		return result
	}
	tokens, err := a.send(ctx, a.read.session.Login)
	if err == nil {
		return a.store(ctx, tokens, store.FromLogin, outcome.LoggedIn)
	}
	return a.loginFailed(ctx, err)
}

// release gives a claim back that this run holds; an idle row is left as it is.
func (a *attempt) release(ctx context.Context, what outcome.Outcome, cause error) Result {
	if a.row.Phase != store.Sending {
		return Result{Outcome: what, Err: cause}
	}
	persist, cancel := a.persistContext(ctx)
	defer cancel()
	return a.settleFailed(persist, what, cause)
}

// loginFailed follows a login that brought no tokens. The back-off is in the claim
// already.
func (a *attempt) loginFailed(ctx context.Context, cause error) Result {
	if errors.Is(cause, errClaimLost) {
		return Result{Outcome: outcome.Busy}
	}
	persist, cancel := a.persistContext(ctx)
	defer cancel()
	switch providers.KindOf(cause) {
	case providers.RateLimited:
		if asked := a.pause(cause); asked.After(a.row.NotBefore) {
			a.row.NotBefore = asked
		}
		return a.settleFailed(persist, outcome.RateLimited, cause)
	case providers.Refused, providers.MaybeRefused, providers.Misconfigured, providers.TurnedAway:
		if !a.unneeded { // else the chain goes on
			a.row.State = store.Misconfigured
		}
		return a.settleFailed(persist, outcome.Misconfigured, cause)
	case providers.Unknown:
		a.keepRaw(persist, cause)
		return a.settleFailed(persist, outcome.Transient, cause)
	case providers.NotSent:
		return a.settleFailed(persist, outcome.Transient, cause)
	}
	panic("unreachable: a kind of provider error without a case")
}
