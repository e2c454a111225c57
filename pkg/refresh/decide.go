package refresh

import (
	"errors"
	"fmt"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/store"
)

// Decide says what a run does next for a credential: the first of the checks below that
// has something to say. It is pure: the same view always gives the same step. A step with
// Needs asks for more of the view.
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

// checks are all reasons, in their order. When a token is refreshed, and why a credential
// waits for a person, is read here.
var checks = []check{
	// Rows that no run may work on.
	{"its row cannot be read", rowUnreadable},
	{"another run holds the claim", claimHeld},

	// A reader has asked for the run, and for nothing else.
	{"a reader's rejection is no reason to act", rejectionUnaccepted},

	// What cannot be begun any more is not read either.
	{"there is no time left to begin", noTimeLeft},

	// An attempt that died, first seen and then taken over.
	{"an attempt died", attemptDied},
	{"whether its reply was stored is not known yet", replyUnknown},
	{"the row is older than the secrets: it was restored", rowRestored},
	{"its reply is a version of tokens", replyStaged},
	{"its reply is in the escrow", replyEscrowed},
	{"its reply can be read after all", replyDecoded},
	{"it left nothing, and the secrets give no answer", nothingReadable},
	{"it left nothing, and somebody has put another version there", tokensEdited},

	// A call that brought no tokens, still under its claim; what follows is in ends.go.
	{"the token was refused, and a newer one is there", refusedButNewer},
	{"the call brought no tokens", callEnded},

	// An idle row.
	{"tokens or access lacks the newest token", owes},
	{"it is paused", paused},
	{"nothing is due", nothingDue},
	{"it waits, and another run looks whether a person has acted", looksLater},
	{"the uncertain attempt's version has turned up", versionTurnedUp},
	{"it waits for a person, or until it is tried again", waitsForPerson},
	{"it backs off", waitsForRetry},
	{"nobody has filled in the credentials", notFilledIn},
	{"a secret cannot be read", secretUnreadable},
	{"a reply that was kept unread can be read now", rawReadable},
	{"the clocks disagree, and its tokens are new", tooYoung},
	{"it is due, and its refresh token may be sent", mayRefresh},

	// There is no refresh token that may be sent.
	{"the last login failed a moment ago", loginBacksOff},
	{"there is a login", mayLogin},
	{"the attempt that died lost the token, and there is no login", deathLost},
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

// idle reports whether the row is nobody's, the time for most decisions.
func (v View) idle() bool { return v.Row.Phase != store.Sending }

// lostAttempt reports whether an attempt was taken over, and nothing was sent since.
func (v View) lostAttempt() bool { return v.Taken && v.ended == nil }

// due reports whether a refresh is wanted now.
func (v View) due() bool {
	rejected := v.rejected != "" // and it is a reason, or the run would be over
	return v.Force || v.probe != "" || !v.Exists ||
		(rejected || !v.Now.Before(v.Row.RefreshAt) || ahead(v.Row, v.Now)) && !v.Now.Before(notBefore(v.Row, v.Now))
}

// retried reports whether it is time to try again by itself what a person may have to mend.
func (v View) retried() bool { return v.Row.State == store.Misconfigured && v.due() }

// waits reports whether the row's state waits for a person.
func waits(r store.Row) bool { return r.State != store.OK && r.State != "" }

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
	over, see := v.claimOver()
	switch {
	case over:
		return pass()
	case see:
		return Step{Do: See, Outcome: outcome.Busy}, true
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
	return !v.idle() || v.owing() || !v.Row.Paused && v.due() && (!waits(v.Row) || v.retried() || v.Force)
}

// leaves is how a run ends that has no time left. Of what it has claimed it has made a try.
func (v View) leaves() outcome.Outcome {
	if v.Held {
		return outcome.Transient
	}
	return outcome.Left
}

func noTimeLeft(v View) (Step, bool) {
	if v.late == nil || v.Held || v.Tokens.done || !v.acts() {
		return pass()
	}
	return wait(outcome.Left, v.late)
}

func attemptDied(v View) (Step, bool) {
	if v.idle() || v.Held {
		return pass()
	}
	return Step{Do: TakeOver, attemptID: v.Row.AttemptID, source: v.Row.AttemptSource, base: v.Row.BaseVersionID}, true
}

func replyUnknown(v View) (Step, bool) {
	switch {
	case !v.lostAttempt():
		return pass()
	case !v.Tokens.done || !v.staged.done:
		return need(Needs{Secrets: true, Staged: true, Access: true, Again: true, Reply: true})
	case v.Tokens.Err == nil && v.moved() != nil:
		// A stale read of tokens would not tell that the row is older than they are.
		return Step{Do: Postpone, Err: v.moved()}, true
	case v.staged.Err != nil:
		// Whether the version is there decides all; without an answer nothing is done.
		return Step{Do: Postpone, Err: v.at(store.TokensDoc, v.staged.Err)}, true
	}
	return pass()
}

// A row from a backup counts every token as presented.
func rowRestored(v View) (Step, bool) {
	if !v.Exists || !v.Tokens.done || v.Held && !v.Taken || v.ended != nil {
		return pass()
	}
	switch {
	case v.restored():
		return Step{Do: Forget}, true
	case !v.hasLeft() || v.access.done:
		return pass()
	case v.access.Err == nil:
		return need(Needs{Access: true})
	case v.Taken && !lasting(v.access.Err):
		return Step{Do: Postpone, Err: v.at(store.AccessDoc, v.access.Err)}, true
	}
	return pass() // what is due does not wait for access
}

func replyStaged(v View) (Step, bool) {
	if !v.lostAttempt() || v.staged.ID == "" {
		return pass()
	}
	c, err := parseChain(v.staged.Value)
	if err != nil {
		return Step{Do: Postpone, Err: v.at(store.TokensDoc, fmt.Errorf("version %s: %w", v.staged.ID, err))}, true
	}
	return Step{Do: Finish, chain: c.of(v.Row.AttemptID), staged: true}, true
}

func replyEscrowed(v View) (Step, bool) {
	if e := v.Row.Escrow; !v.lostAttempt() || !carries(v.Row) || e.AttemptID != v.Row.AttemptID {
		return pass()
	}
	c, err := v.escrowed()
	if err != nil {
		return Step{Do: Postpone, Err: err}, true
	}
	return Step{Do: Finish, chain: c}, true
}

func replyDecoded(v View) (Step, bool) {
	switch {
	case !v.lostAttempt():
		return pass()
	case v.reply.err != nil:
		return Step{Do: Postpone, Err: v.reply.err}, true
	}
	c, ok := v.decoded()
	if !ok || c.attemptID != v.Row.AttemptID {
		return pass()
	}
	return Step{Do: Finish, chain: c}, true
}

func nothingReadable(v View) (Step, bool) {
	if !v.lostAttempt() {
		return pass()
	}
	for _, err := range []error{v.Credentials.Err, v.Tokens.Err} {
		if err != nil && !lasting(err) && !errors.Is(err, store.ErrNoValue) {
			return Step{Do: Postpone, Err: errors.Join(v.death(), err)}, true
		}
	}
	return pass()
}

func tokensEdited(v View) (Step, bool) {
	if id := v.Tokens.ID; !v.lostAttempt() || v.Tokens.Err != nil || id == v.Row.BaseVersionID || id == v.Row.VersionID {
		return pass()
	}
	if !v.again.done {
		return need(Needs{Again: true})
	}
	if err := v.moved(); err != nil {
		return Step{Do: Postpone, Err: errors.Join(v.death(), err)}, true
	}
	return Step{Do: Supersede, version: v.Tokens.ID}, true
}

// A refused token is first a race: somebody may have put a newer one there.
func refusedButNewer(v View) (Step, bool) {
	if v.ended == nil || v.ended.kind != providers.Refused {
		return pass()
	}
	if !v.again.done {
		return need(Needs{Again: true})
	}
	id := v.again.ID
	switch {
	case v.again.Err != nil, id == v.Tokens.ID, id == v.Row.VersionID:
		return pass()
	case !v.third.done: // else one stale read would bring an older version back
		return need(Needs{Third: true})
	case v.third.Err != nil, v.third.ID != id:
		return pass()
	}
	return Step{Do: Supersede, version: id}, true
}

func callEnded(v View) (Step, bool) {
	if v.ended == nil {
		return pass()
	}
	f := v.follows()
	switch {
	case f.login && v.CanLogin():
		return pass()
	case f.login:
		return park(f.state, errors.Join(v.ended.cause, v.newChain()))
	case f.state != "" && !v.loginOptional():
		return park(f.state, v.ended.cause)
	}
	return wait(f.outcome, v.ended.cause)
}

// owing reports whether a version of tokens or access that is stored waits to become current.
func (v View) owing() bool {
	return !v.repaired && !v.Relogin && (carries(v.Row) || v.Row.VersionID != v.Row.PublishedVersionID)
}

func owes(v View) (Step, bool) {
	if !v.idle() || !v.owing() {
		return pass()
	}
	if !v.Tokens.done {
		return need(Needs{Secrets: true})
	}
	c, needs, err := v.owed()
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

// A pause stops what calls the provider. What was stored is taken over and published
// all the same, and so an uncertain attempt's version is looked for.
func paused(v View) (Step, bool) {
	switch {
	case !v.Row.Paused, v.ended != nil, !v.Taken && v.Row.State == store.Uncertain && v.idle() && !v.staged.done:
		return pass()
	case v.Taken:
		return wait(outcome.Paused, v.death())
	case v.Row.State == store.Uncertain && v.TurnedUp():
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

// Two reads of each account that waits are too dear where many do.
func looksLater(v View) (Step, bool) {
	switch {
	case !v.idle(), v.Relogin, v.Force, v.Tokens.done, v.retried(), v.due() && !waits(v.Row),
		v.late == nil && pace.LookForEdit(v.Row.String(), v.waiting, v.Now, v.tick):
		return pass()
	case v.Row.Paused:
		return wait(outcome.Paused, nil)
	case waits(v.Row):
		return wait(outcome.Outcome(v.Row.State), v.forPerson(v.Row.State))
	}
	return wait(outcome.NotDue, nil)
}

func versionTurnedUp(v View) (Step, bool) {
	if !v.idle() || v.Relogin && v.Tokens.done {
		return pass()
	}
	if n := (Needs{Secrets: !v.Tokens.done, Staged: v.Row.State == store.Uncertain && !v.staged.done}); n.any() {
		return need(n)
	}
	if v.Row.State != store.Uncertain || !v.TurnedUp() {
		return pass()
	}
	return Step{Do: TakeOver, attemptID: v.Row.AttemptID, source: v.Row.AttemptSource, base: v.Row.BaseVersionID}, true
}

func waitsForPerson(v View) (Step, bool) {
	forced := v.Force && v.Row.State != store.Uncertain
	if v.Row.State == store.Uncertain && v.current() == ofRow && v.lives() { // its version came late
		return pass()
	}
	if !v.idle() || !waits(v.Row) || v.Edited() || SecretsUnreadable(v.Row) || forced || v.retried() || v.Relogin {
		return pass()
	}
	return wait(outcome.Outcome(v.Row.State), v.forPerson(v.Row.State))
}

func waitsForRetry(v View) (Step, bool) {
	if !v.idle() || v.due() || v.Edited() || waits(v.Row) {
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

// notSeeded is the step of a new deployment: no error, but a word on what to do.
func notSeeded(format string, args ...any) (Step, bool) {
	return Step{Do: Wait, Outcome: outcome.NotSeeded, Warning: fmt.Sprintf(format, args...)}, true
}

func secretUnreadable(v View) (Step, bool) {
	if !v.idle() {
		return pass()
	}
	err := errors.Join(
		v.at(store.Credentials, v.Credentials.Err), v.at(store.TokensDoc, v.Tokens.Err),
		v.at(store.Credentials, v.sessionErr), v.at(store.TokensDoc, v.chainErr),
	)
	if err == nil {
		return pass()
	}
	for _, read := range []error{v.Credentials.Err, v.Tokens.Err} {
		if read != nil && !lasting(read) {
			return wait(outcome.Transient, err)
		}
	}
	if waits(v.Row) && !v.due() && !SecretsUnreadable(v.Row) { // else the row would forget what it waits for
		return wait(outcome.Misconfigured, err)
	}
	return park(store.Misconfigured, err)
}

// A seed that a person put there meanwhile stands.
func rawReadable(v View) (Step, bool) {
	switch {
	case !v.idle(), v.Relogin, !keepsReply(v.Row):
		return pass()
	case !v.reply.done:
		return need(Needs{Reply: true})
	case v.reply.err != nil:
		return wait(outcome.Transient, v.reply.err)
	}
	kept, _ := v.kept()
	c, ok := v.decoded()
	if !ok || !v.keptFollows(kept) {
		return pass()
	}
	return Step{Do: TakeOver, attemptID: c.attemptID, source: c.source, base: v.Tokens.ID}, true
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
	case step.Do == "" || v.loginInstead(step.chain):
		return pass()
	}
	if v.late != nil {
		return wait(v.leaves(), v.late)
	}
	return step, true
}

func loginBacksOff(v View) (Step, bool) {
	until := loginNotBefore(v.Row)
	if until.Sub(v.Now) > pace.RefusedCredentials(1<<10)+clockSlack { // by a wrong clock
		return pass()
	}
	free := v.Force || v.Relogin || v.probe == store.FromLogin || v.credentialsEdited()
	if !v.CanLogin() || free || v.Row.LoginFailures == 0 || !v.Now.Before(until) {
		return pass()
	}
	return v.warned(wait(outcome.Transient, fmt.Errorf("the last login failed: the next is at %s", stamp(until))))
}

func mayLogin(v View) (Step, bool) {
	if !v.CanLogin() {
		return pass()
	}
	if v.late != nil {
		return v.warned(wait(v.leaves(), v.late))
	}
	if v.idle() && v.newToRow() {
		// What comes of a stale read would be taken for outdated by the next run.
		if !v.again.done {
			return need(Needs{Again: true})
		}
		if err := v.moved(); err != nil {
			return wait(outcome.Transient, err)
		}
	}
	return v.warned(Step{Do: Login}, true)
}

func deathLost(v View) (Step, bool) {
	if !v.Taken {
		return pass()
	}
	return park(store.Uncertain, errors.Join(v.death(), v.newChain()))
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
	if v.chain.source == store.FromRefresh { // it could not be read
		return park(store.Uncertain, v.forPerson(store.Uncertain))
	}
	cause := fmt.Errorf("there is no refresh token in the secret %s", v.name(store.TokensDoc))
	return park(store.Dead, errors.Join(cause, v.newChain()))
}

func tokenSpent(v View) (Step, bool) {
	state := store.Uncertain
	if v.Row.State == store.Dead {
		state = store.Dead
	}
	return park(state, v.forPerson(state))
}
