package refresh

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// A refresh token that was presented is not presented again, unless its issuer takes it again
// (providers.Reusing), or says that it has not acted on it (providers.Asking), or nothing is left
// to lose (providers.LastResort). It is always the token that was presented last, and never in the
// run that presented it: the first request may still be running, behind a complete answer too.
//
// How long an issuer takes a token again is the one thing that clocks decide.

// reuseSlack is what a request may be under way beyond its timeout.
const reuseSlack = 30 * time.Second

// reuseMargin is how long a request may be under way, and by how much another comes before the end.
func (v View) reuseMargin() time.Duration { return v.send + reuseSlack }

// reuse is for how long the issuer takes a presented token again. A time in which an attempt that
// died cannot be taken over and tried again is none.
func (v View) reuse() time.Duration {
	s, ok := v.session.(providers.Reusing)
	if !ok {
		return 0
	}
	if d := s.Reuse(); d == providers.Always || d >= v.attempt+v.tick+v.reuseMargin() {
		return d
	}
	return 0
}

// presentedLast reports whether the refresh token of c is the row's own, and the one presented last.
func (v View) presentedLast(c chain) bool {
	return !c.refreshToken.Blank() && v.Row.PresentedLast(c.refreshToken) && (v.escrowNewest() || v.current() == ofRow)
}

// takenAgain is from when on the presented token of c may be presented again; false: not at all, or no
// longer. A first presentation that lies in the future was written by a wrong clock.
func (v View) takenAgain(c chain) (from time.Time, ok bool) {
	reuse, at := v.reuse(), v.Row.PresentedAt
	if reuse == 0 || !v.presentedLast(c) {
		return time.Time{}, false
	}
	known := !at.IsZero() && !at.After(v.Now)
	switch {
	case !known:
		return time.Time{}, reuse == providers.Always
	case reuse == providers.Always, v.Now.Add(v.reuseMargin()).Before(at.Add(reuse)):
		return at.Add(v.reuseMargin()), true
	}
	return time.Time{}, false
}

// asks reports whether the issuer can be asked what it made of the presented token of c. It is
// asked where no login replaces the token.
func (v View) asks(c chain) bool {
	s, ok := v.session.(providers.Asking)
	return ok && s.CanAsk() && !s.CanLogin() && v.presentedLast(c) && !v.Row.PresentedAt.IsZero()
}

// lastResort reports whether the presented token of c is presented once more because readers have
// no access token that could be lost.
func (v View) lastResort(c chain) bool {
	s, ok := v.session.(providers.LastResort)
	return ok && s.LastResort() && !s.CanLogin() && v.presentedLast(c) && !v.Row.PresentedAt.IsZero() &&
		!v.Now.Before(v.Row.AccessExpiresAt)
}

// hopes reports whether the presented token of the newest chain may still be presented again.
func (v View) hopes() bool {
	c, err := v.newest()
	if err != nil {
		return false
	}
	_, again := v.takenAgain(c)
	return again || v.asks(c) || v.lastResort(c)
}

// presentedAgain is step, with a token that was presented, if it may be presented again now. A
// step that waits: it may be later. Without an action: it may not.
func (v View) presentedAgain(step Step) Step {
	c := step.chain
	from, again := v.takenAgain(c)
	asks, resort := v.asks(c), v.lastResort(c)
	running := believed(v.Row.ClaimedUntil, v.Now, v.longest) // until then the request may be
	switch {
	case again:
		from = later(from, notBefore(v.Row, v.Now))
		step.again = again
	case !asks && !resort:
		return Step{}
	default:
		from = later(running, notBefore(v.Row, v.Now))
	}
	if v.Now.Before(from) {
		if needsPerson(v.Row) {
			return Step{}
		}
		return Step{Do: Wait, Outcome: outcome.Transient, Err: fmt.Errorf(
			"whether the refresh token was acted on is not known: it is looked at again at %s", stamp(from))}
	}
	switch {
	case again:
		return step
	case asks && v.asksNobody:
		return Step{}
	case asks && !v.evidence.done:
		return Step{Needs: Needs{Evidence: true}}
	case asks && v.evidence.is == providers.NotActed:
		step.again, step.asked = true, true
		return step
	case resort && v.evidence.is != providers.Acted:
		step.again, step.resort = true, true
		return step
	}
	return Step{}
}

// stillAgain is an error if the presented token of s must not be presented again any more: time has
// passed since that was decided.
func (v View) stillAgain(s Step) error {
	if _, ok := v.takenAgain(s.chain); ok || !s.again || s.asked || s.resort {
		return nil
	}
	return errors.New("its issuer no longer takes it again")
}

// presentedBefore adds to the refusal of a token that it was presented before.
func (v View) presentedBefore(err error) error {
	if providers.KindOf(err) != providers.Refused || v.Row.PresentedAt.IsZero() {
		return err
	}
	return fmt.Errorf("%w; it was presented before, first at %s", err, stamp(v.Row.PresentedAt))
}

// evidence is what the issuer said when it was asked.
type evidence struct {
	is   providers.Evidence
	err  error
	done bool
}

// ask asks the issuer what it made of the refresh token of the newest chain. The access token
// proves nothing once it has ended by itself.
func (v View) ask(ctx context.Context) evidence {
	c, err := v.newest()
	s, ok := v.session.(providers.Asking)
	if err != nil || !ok {
		return evidence{err: err, done: true}
	}
	accessToken := c.accessToken
	if !v.Now.Add(clockSlack).Before(c.accessExpiresAt) {
		accessToken = secret.String{}
	}
	ctx, cancel := context.WithTimeout(ctx, v.send)
	defer cancel()
	is, err := s.Ask(ctx, c.refreshToken, accessToken)
	return evidence{is, err, true}
}

// mayTurnOut keeps a token of which it is not known whether it was acted on, where that may turn
// out, or does not matter.
func mayTurnOut(v View) (Step, bool) {
	lost := v.ended != nil && v.ended.kind == providers.Unknown || v.lostAttempt() && !v.Row.Paused
	if !lost || !v.Held || v.Row.AttemptSource == store.FromLogin || !v.hopes() {
		return pass()
	}
	cause := v.death()
	if v.ended != nil {
		cause = v.ended.cause
	}
	return wait(outcome.Transient, fmt.Errorf("%w; the refresh token is kept: it may be presented again", cause))
}
