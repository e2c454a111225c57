package refresh

import (
	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/store"
)

// Decide returns what a run does next for a credential: the step of the first check that has one.
// It is pure: the same view always gives the same step. A step with Needs asks for more of the
// view.
func Decide(v View) Step {
	for _, c := range checks {
		if step, decided := c.decide(v); decided {
			step.Reason = c.reason
			return step
		}
	}
	panic("unreachable: no check has decided")
}

// check is one reason for a step.
type check struct {
	reason string
	// decide returns the step that follows if the reason holds.
	decide func(View) (Step, bool)
}

// checks are all reasons, in order. This list shows when a token is refreshed, and why a credential
// needs a person. The checks are in decide.go, died.go, idle.go and login.go, in the same order.
var checks = []check{
	// Rows that no run may work on.
	{"its row cannot be read", rowUnreadable},
	{"another run holds the claim", claimHeld},

	// A run that a reader's rejection has begun.
	{"a reader's rejection is no reason to act", rejectionUnaccepted},

	// Without time to begin, nothing is read either.
	{"there is no time left to begin", noTimeLeft},

	// A row from a backup, idle or not.
	{"the row is older than the secrets: it was restored", rowRestored},

	// An attempt that died: it is taken over, and then finished.
	{"an attempt died", attemptDied},
	{"whether its reply was stored is not known yet", replyUnknown},
	{"its reply is a version of tokens", replyStaged},
	{"its reply is in the escrow", replyEscrowed},
	{"its reply can be read after all", replyDecoded},
	{"it left nothing, and the secrets give no answer", nothingReadable},
	{"it left nothing, and somebody has put another version there", tokensEdited},

	// A call that brought no tokens, still under its claim. What follows each kind is in ends.go.
	{"the token was refused, and a newer one is there", refusedButNewer},
	{"whether the token was acted on may turn out", mayTurnOut},
	{"the call brought no tokens", callEnded},

	// An idle row. A pause also ends what was taken over.
	{"tokens or access lacks the newest token", owes},
	{"it is paused", paused},
	{"a wrong clock wrote when its token was presented", wrongPresentation},
	{"nothing is due", nothingDue},
	{"it waits for an edit, for which a later run looks", looksLater},
	{"its secrets have not been read yet", secretsUnread},
	{"the uncertain attempt's version has turned up", versionTurnedUp},
	{"it needs a person, and nobody has acted", nobodyActed},
	{"it backs off", waitsForRetry},
	{"nobody has filled in the credentials", notFilledIn},
	{"a secret cannot be read", secretUnreadable},
	{"a reply that was kept unread can be read now", rawReadable},
	{"the clocks disagree, and its tokens are new", tooYoung},
	{"a person forces it, and its refresh token may be sent", mayForce},
	{"it is due, and its refresh token may be sent", mayRefresh}, // an edit makes it due, too

	// No refresh: log in, else end what was taken over, else a person.
	{"the last login failed a moment ago", loginBacksOff},
	{"a login replaces the refresh", mayLogin},
	{"a login died, and there is no login any more", loginDied},
	{"the refresh that died lost the token, and there is no login", deathLost},
	{"there never was a refresh token", neverSeeded},
	{"there is no refresh token, and no login", tokenMissing},
	{"the refresh token was presented, and there is no login", tokenSpent},
}

// wait is a step in which nothing is done.
func wait(what outcome.Outcome, err error) (Step, bool) {
	return Step{Do: Wait, Outcome: what, Err: err}, true
}

// park is a step that writes a state.
func park(state store.State, err error) (Step, bool) {
	return Step{Do: Park, State: state, Err: err}, true
}

// need is a step that asks for more of the view.
func need(n Needs) (Step, bool) { return Step{Needs: n}, true }

// pass leaves the decision to the next check.
func pass() (Step, bool) { return Step{}, false }

// idle reports whether no run holds the row, or died holding it.
func (v View) idle() bool { return v.Row.Phase != store.Sending }

// due reports whether a refresh is wanted now.
func (v View) due() bool {
	rejected := v.rejected != "" // rejectionUnaccepted has accepted it
	return v.Force || v.probe != "" || !v.Exists ||
		(rejected || !v.Now.Before(v.Row.RefreshAt) || ahead(v.Row, v.Now)) && !v.Now.Before(notBefore(v.Row, v.Now))
}

// retried reports whether a misconfigured credential is tried again without a person.
func (v View) retried() bool { return v.Row.State == store.Misconfigured && v.due() }

func rowUnreadable(v View) (Step, bool) {
	if v.Row.Unreadable == nil {
		return pass()
	}
	return wait(outcome.Misconfigured, v.Row.Unreadable)
}

func claimHeld(v View) (Step, bool) {
	if v.idle() || v.Held {
		return pass()
	}
	over, watch := v.claimOver()
	switch {
	case over:
		return pass()
	case watch:
		return Step{Do: Watch, Outcome: outcome.Busy}, true
	}
	return wait(outcome.Busy, nil)
}

func rejectionUnaccepted(v View) (Step, bool) {
	if v.rejected == "" || v.Held || v.repaired {
		return pass()
	}
	if _, accepted := v.rejection(); accepted {
		return pass()
	}
	return wait(outcome.NotDue, nil)
}

// acts reports whether the row by itself calls for more than a look at the secrets.
func (v View) acts() bool {
	return !v.idle() || v.owing() || !v.Row.Paused && v.due() && (!needsPerson(v.Row) || v.retried() || v.Force)
}

func noTimeLeft(v View) (Step, bool) {
	if v.late == nil || v.Held || v.Tokens.done || !v.acts() {
		return pass()
	}
	return wait(outcome.Left, v.late)
}

// unbegun is the outcome of a run that has no time left to call. Under a claim it counts as a try.
func (v View) unbegun() outcome.Outcome {
	if v.Held {
		return outcome.Transient
	}
	return outcome.Left
}
