package refresh

import (
	"errors"
	"fmt"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/store"
)

// The checks of idle rows: is something unfinished, due, waited for, or unreadable?

// owing reports whether a stored version of tokens or access waits to become current.
func (v View) owing() bool {
	return !v.repaired && !v.Relogin && (hasEscrow(v.Row) || v.Row.VersionID != v.Row.PublishedVersionID)
}

func owes(v View) (Step, bool) {
	if !v.idle() || !v.owing() {
		return pass()
	}
	if !v.Tokens.done {
		return need(Needs{Secrets: true})
	}
	c, needs, err := v.owed()
	if read := v.access.Err; err == nil && read != nil && !lasting(read) { // it may show that the row was restored
		err = v.at(store.AccessDoc, read)
	}
	switch {
	case needs.any():
		return need(needs)
	case err != nil:
		return Step{Do: Repair, Err: err}, true
	case c.attemptID == "":
		return pass()
	}
	return Step{Do: Repair, chain: c}, true
}

// A pause stops calls to the provider. Stored replies are still finished, so the version of an
// uncertain attempt is looked for first.
func paused(v View) (Step, bool) {
	uncertain := v.Row.State == store.Uncertain
	switch {
	case !v.Row.Paused, v.ended != nil: // a run that has called goes on
		return pass()
	case v.TakenOver:
		return wait(outcome.Paused, v.death())
	case uncertain && v.idle() && !v.staged.done: // secretsUnread asks for that version
		return pass()
	case uncertain && v.TurnedUp():
		return pass()
	}
	return wait(outcome.Paused, nil)
}

func nothingDue(v View) (Step, bool) {
	if !v.idle() || v.due() || awaitsEdit(v.Row, v.Now) {
		return pass()
	}
	return wait(outcome.NotDue, nil)
}

// If many accounts wait, reading the secrets of each in every run costs too much.
func looksLater(v View) (Step, bool) {
	switch {
	case !v.idle(), v.looksNow():
		return pass()
	case v.Row.Paused:
		return wait(outcome.Paused, nil)
	case needsPerson(v.Row):
		return wait(outcome.Outcome(v.Row.State), v.forPerson(v.Row.State))
	}
	return wait(outcome.NotDue, nil)
}

// looksNow reports whether the secrets of an idle row are read in this run.
func (v View) looksNow() bool {
	return v.Tokens.done || // they have been
		v.Relogin || v.Force || // a person asks for it
		v.retried() || // misconfigured, and its back-off has ended
		v.due() && !needsPerson(v.Row) || // a call is due
		v.late == nil && pace.LookForEdit(v.Row.String(), v.waiting, v.Now, v.tick) // it is its turn
}

// From here on a decision needs the secrets. A person's relogin has read them already.
func secretsUnread(v View) (Step, bool) {
	if !v.idle() || v.Relogin && v.Tokens.done {
		return pass()
	}
	n := Needs{Secrets: !v.Tokens.done, Staged: v.Row.State == store.Uncertain && !v.staged.done}
	n.Access = n.Secrets && v.due() && v.unreadAccess() // beside the others it takes no extra time
	if !n.any() {
		return pass()
	}
	return need(n)
}

func versionTurnedUp(v View) (Step, bool) {
	if !v.idle() || v.Relogin || v.Row.State != store.Uncertain || !v.TurnedUp() {
		return pass()
	}
	return v.takesOver(v.Row.AttemptID, v.Row.AttemptSource, v.Row.BaseVersionID)
}

func nobodyActed(v View) (Step, bool) {
	forced := v.Force && v.Row.State != store.Uncertain
	if v.Row.State == store.Uncertain && v.current() == ofRow && v.lives() { // its version came late
		return pass()
	}
	if v.Row.State == store.Uncertain && v.due() && v.session != nil && v.hopes() {
		return pass()
	}
	if !v.idle() || !needsPerson(v.Row) || v.Edited() || SecretsUnreadable(v.Row) || forced || v.retried() || v.Relogin {
		return pass()
	}
	return wait(outcome.Outcome(v.Row.State), v.forPerson(v.Row.State))
}

func waitsForRetry(v View) (Step, bool) {
	if !v.idle() || v.due() || v.Edited() || needsPerson(v.Row) {
		return pass()
	}
	return wait(outcome.NotDue, nil)
}

func notFilledIn(v View) (Step, bool) {
	if !v.idle() || !errors.Is(v.Credentials.Err, store.ErrNoValue) && !errors.Is(v.sessionErr, providers.ErrNotSeeded) {
		return pass()
	}
	return notSeeded("%s: put them into the secret %s", providers.ErrNotSeeded, v.name(store.Credentials))
}

// notSeeded is the step of a new deployment: no error, and a warning that says what to do.
func notSeeded(format string, args ...any) (Step, bool) {
	return Step{Do: Wait, Outcome: outcome.NotSeeded, Warning: fmt.Sprintf(format, args...)}, true
}

func secretUnreadable(v View) (Step, bool) {
	if !v.idle() {
		return pass()
	}
	err := errors.Join(
		v.at(store.Credentials, v.Credentials.Err), v.at(store.TokensDoc, v.Tokens.Err),
		v.at(store.AccessDoc, v.access.Err), v.at(store.Credentials, v.sessionErr), v.at(store.TokensDoc, v.chainErr),
	)
	if err == nil {
		return pass()
	}
	for _, read := range []error{v.Credentials.Err, v.Tokens.Err, v.access.Err} {
		if read != nil && !lasting(read) {
			return wait(outcome.Transient, err)
		}
	}
	if needsPerson(v.Row) && !v.due() && !SecretsUnreadable(v.Row) { // the row keeps what it waits for
		return wait(outcome.Misconfigured, err)
	}
	return park(store.Misconfigured, err)
}

// A person's newer version stands.
func rawReadable(v View) (Step, bool) {
	switch {
	case !v.idle(), v.Relogin, !hasRawReply(v.Row):
		return pass()
	case !v.raw.done:
		return need(Needs{Raw: true})
	case v.raw.err != nil:
		return wait(outcome.Transient, v.raw.err)
	}
	raw, _ := v.rawReply()
	c, ok := v.decoded()
	if !ok || !v.rawFollows(raw) {
		return pass()
	}
	return v.takesOver(c.attemptID, c.source, v.Tokens.ID)
}

func tooYoung(v View) (Step, bool) {
	switch {
	case !v.idle() || v.Force || v.Relogin || v.rejected != "" || !v.young():
		return pass()
	case ahead(v.Row, v.Now):
		return Step{Do: Correct, Outcome: outcome.NotDue}, true
	}
	return wait(outcome.NotDue, nil)
}

// mayForce is mayRefresh for a token that is sent because a person says so.
func mayForce(v View) (Step, bool) {
	forced := v.Force
	if v.Force = false; !forced || v.due() {
		return pass()
	}
	v.Force = true
	return mayRefresh(v)
}

func mayRefresh(v View) (Step, bool) {
	if !v.idle() || v.Relogin {
		return pass()
	}
	step, err := v.presentable()
	switch {
	case step.Needs.any():
		return step, true
	case err != nil:
		return wait(outcome.Transient, err)
	case step.Do == Wait:
		return step, true
	case step.Do == "" || v.loginInstead(step.chain):
		return pass()
	}
	return v.claims(step)
}

// claims is a step that claims and calls the provider, once that is possible. Access is read before
// the claim: a token that could not be published must not be asked for. And the claim makes the
// row's fence later; after that nothing would show that the row was restored.
func (v View) claims(s Step) (Step, bool) {
	switch {
	case v.late != nil:
		return wait(v.unbegun(), v.late)
	case v.unreadAccess():
		return need(Needs{Access: true})
	case v.access.Err != nil:
		err := v.at(store.AccessDoc, v.access.Err)
		return wait(outcomeOf(err), err)
	}
	return s, true
}

// unreadAccess reports whether access can be read, and has not been.
func (v View) unreadAccess() bool { return !v.access.done && v.access.Err == nil }
