package refresh

import (
	"context"
	"fmt"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// A refresh token that was presented is not presented again, unless its issuer takes it again, or
// says that it has not acted on it, or nothing is left to lose (providers.Again). It is always the
// token that was presented last, and never in the run that presented it: the first request may still
// be running, behind a complete answer too.
//
// How long an issuer takes a token again is the one thing that clocks decide.

// reuseSlack is what a request may be under way beyond its timeout.
const reuseSlack = 30 * time.Second

// reuseMargin is by how much a token is presented again before its issuer no longer takes it.
func (v View) reuseMargin() time.Duration { return v.send + reuseSlack }

// leastReuse is the shortest grace in which an attempt that died can be taken over, and its token
// presented again.
func (v View) leastReuse() time.Duration { return v.attempt + v.tick + v.reuseMargin() }

// LeastReuse is the shortest grace that is of use to a function whose calls take so long, where
// nobody has changed its other times.
func LeastReuse(send, tick time.Duration) time.Duration {
	return View{send: send, attempt: usualClaim(send), tick: tick}.leastReuse()
}

// usualClaim is how long the claim of an attempt lasts.
func usualClaim(send time.Duration) time.Duration {
	e := Engine{SendTimeout: send}.WithDefaults()
	return e.longestAttempt() + e.claimMargin()
}

// reuse is the grace that counts. One that is too short for a death is none.
func (v View) reuse() time.Duration {
	if d := v.repeats.Reuse; d >= v.leastReuse() { // providers.Always is
		return d
	}
	return 0
}

// mayRepeat reports whether a token may be presented more than once, so that the row has to say
// more of it than that it was.
func (v View) mayRepeat() bool { return v.repeats != providers.Again{} }

// presentedLast reports whether the refresh token of c is the row's own, and the one presented last.
func (v View) presentedLast(c chain) bool {
	return !c.refreshToken.Blank() && v.Row.PresentedLast(c.refreshToken) && v.Row.Fate != store.Foreign &&
		(v.escrowNewest() || v.current() == ofRow)
}

// takenAgain reports whether the issuer takes the presented token of c again. A first presentation
// that lies in the future was written by a wrong clock.
func (v View) takenAgain(c chain) bool {
	reuse, at := v.reuse(), v.Row.PresentedAt
	if reuse == 0 || !v.presentedLast(c) {
		return false
	}
	known := !at.IsZero() && !v.presentedInFuture()
	return reuse == providers.Always || known && v.Now.Add(v.reuseMargin()).Before(at.Add(reuse))
}

// presentedInFuture reports whether a wrong clock wrote when the token was presented.
func (v View) presentedInFuture() bool { return v.Row.PresentedAt.After(v.Now) }

// Once that time had come it would be believed, and the grace be longer than it is.
func wrongPresentation(v View) (Step, bool) {
	if !v.idle() || v.Held || !v.presentedInFuture() {
		return pass()
	}
	return Step{Do: Correct, Outcome: v.looking(outcome.NotDue)}, true
}

// looking is the outcome of a run that only writes something down.
func (v View) looking(otherwise outcome.Outcome) outcome.Outcome {
	if needsPerson(v.Row) {
		return outcome.Outcome(v.Row.State)
	}
	return otherwise
}

// asks reports whether the issuer can be asked what it made of the presented token of c.
func (v View) asks(c chain) bool {
	return v.repeats.Asks && v.presentedLast(c) && v.Row.Fate == ""
}

// resorts reports whether the presented token of c is presented once more when readers have no
// access token that could be lost.
func (v View) resorts(c chain) bool {
	return v.repeats.LastResort && v.presentedLast(c) && v.Row.Fate == ""
}

// lastResort reports whether that is now.
func (v View) lastResort(c chain) bool { return v.resorts(c) && !v.Now.Before(v.Row.AccessExpiresAt) }

// hopes reports whether the presented token of the newest chain may still be presented again.
func (v View) hopes() bool {
	c, err := v.newest()
	return err == nil && (v.takenAgain(c) || v.asks(c) || v.lastResort(c))
}

// SentAgain is from when on the refresh token of an uncertain credential may be presented again, or
// its issuer be asked about it, without a person. ok is false if nobody will.
func (v View) SentAgain() (from time.Time, ok bool) {
	c, err := v.newest()
	if err != nil || v.Row.State != store.Uncertain || !v.idle() || v.Row.Paused {
		return time.Time{}, false
	}
	from = later(v.Row.ClaimedUntil, v.Row.NotBefore)
	switch {
	case v.takenAgain(c), v.asks(c):
		return from, true
	case v.resorts(c):
		return later(from, v.Row.AccessExpiresAt), true
	}
	return time.Time{}, false
}

// presentedAgain is step, with a token that was presented, if it may be presented again now. A
// step that waits: it may be later. Without an action: it may not. Until the claim of its attempt
// has ended its request may be running, behind a complete answer too.
func (v View) presentedAgain(step Step) Step {
	c := step.chain
	again, asks, resort := v.takenAgain(c), v.asks(c), v.lastResort(c)
	over, watch := v.claimOver()
	free := notBefore(v.Row, v.Now)
	switch waits := !over || v.Now.Before(free); {
	case !again && !asks && !resort:
		return Step{}
	case watch:
		return Step{Do: Watch, Outcome: v.looking(outcome.Transient)}
	case waits && needsPerson(v.Row):
		return Step{}
	case waits:
		return Step{Do: Wait, Outcome: outcome.Transient, Err: fmt.Errorf(
			"whether the refresh token was acted on is not known: it is looked at again at %s", stamp(later(v.Row.ClaimedUntil, free)))}
	case again:
		step.again = true
		return step
	case asks && v.asksNobody:
		return Step{}
	case asks && !v.evidence.done && v.late != nil:
		return Step{Do: Wait, Outcome: v.unbegun(), Err: v.late}
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

// graceUnused says that the grace of an issuer is too short to be of use; nil: it is not.
func (v View) graceUnused() error {
	if d := v.repeats.Reuse; d > 0 && v.reuse() == 0 && (v.ended == nil || v.ended.kind == providers.Unknown) {
		return fmt.Errorf("that its issuer takes it again for %s is of no use: after a death %s are needed", d, v.leastReuse())
	}
	return nil
}

// presentedBefore adds to the refusal of a token that it was presented before.
func (v View) presentedBefore(err error) error {
	if providers.KindOf(err) != providers.Refused {
		return err
	}
	if v.Row.PresentedAt.IsZero() {
		return fmt.Errorf("%w; it was presented before", err)
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
	s, ok := v.session.(providers.Reusing)
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
