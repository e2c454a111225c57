package refresh

import (
	"errors"
	"fmt"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/store"
)

// The checks that remain if no refresh is made: a login, or a person.

func loginBacksOff(v View) (Step, bool) {
	until, waits := v.loginWaits()
	free := v.Force || v.Relogin || v.probe == store.FromLogin || v.credentialsEdited()
	if !v.canLogin || free || !waits {
		return pass()
	}
	return v.warned(wait(outcome.Transient, fmt.Errorf("the last login failed: the next is at %s", stamp(until))))
}

func mayLogin(v View) (Step, bool) {
	if !v.canLogin {
		return pass()
	}
	if v.late == nil && v.idle() && v.newToRow() {
		// A login based on a stale read would look outdated to the next run.
		if !v.again.done {
			return need(Needs{Again: true})
		}
		if err := v.moved(); err != nil {
			return wait(outcome.Transient, err)
		}
	}
	return v.warned(v.claims(Step{Do: Login}))
}

// A login presents no refresh token, so nothing was lost. Its claim ends, and the next tick goes on
// with the current tokens.
func loginDied(v View) (Step, bool) {
	if !v.TakenOver || v.Row.AttemptSource != store.FromLogin {
		return pass()
	}
	return wait(outcome.Transient, v.death())
}

func deathLost(v View) (Step, bool) {
	if !v.TakenOver {
		return pass()
	}
	return park(store.Uncertain, errors.Join(v.death(), v.graceUnused(), v.adviseNewToken()))
}

func neverSeeded(v View) (Step, bool) {
	if !v.tokenless() || v.Row.AttemptID != "" || v.chain.attemptID != "" {
		return pass()
	}
	return notSeeded("there is neither a login in the secret %s nor a refresh token in the secret %s",
		v.name(store.Credentials), v.name(store.TokensDoc))
}

func tokenMissing(v View) (Step, bool) {
	if !v.tokenless() {
		return pass()
	}
	state := withoutToken(v.chain)
	if state == store.Uncertain {
		return park(state, v.forPerson(state))
	}
	cause := fmt.Errorf("there is no refresh token in the secret %s", v.name(store.TokensDoc))
	return park(state, errors.Join(cause, v.adviseNewToken()))
}

func tokenSpent(v View) (Step, bool) {
	state := store.Uncertain
	if v.Row.State == store.Dead {
		state = store.Dead
	}
	switch {
	case !v.evidence.done:
		return park(state, v.forPerson(state))
	case v.evidence.is == providers.Acted:
		cause := errors.New("the issuer says that it has acted on the refresh token, whose reply is lost")
		return park(state, errors.Join(cause, v.adviseNewToken()))
	}
	cause := fmt.Errorf("the refresh token may be spent, and its issuer gives no answer: %w", v.evidence.err)
	return park(state, errors.Join(cause, v.adviseNewToken()))
}
