package refresh

import (
	"errors"
	"fmt"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/store"
)

// The checks of attempts: of one that died, and of this run's own after a call that brought no
// tokens.

// A row from a backup does not know what was presented since. It is forgotten, and every token
// counts as presented.
func rowRestored(v View) (Step, bool) {
	ownAttempt := v.Held && !v.TakenOver
	if !v.Exists || !v.Tokens.done || ownAttempt || v.ended != nil {
		return pass()
	}
	switch {
	case v.restored() && v.Tokens.Err != nil: // the current token must count as presented
		err := v.at(store.TokensDoc, v.Tokens.Err)
		if v.Held {
			return postponed(err)
		}
		return wait(outcomeOf(err), err)
	case v.restored():
		return Step{Do: Forget}, true
	case !v.hasLeft():
		return pass()
	case !v.access.done:
		return need(Needs{Access: true})
	case v.TakenOver && v.access.Err != nil && !lasting(v.access.Err):
		return postponed(v.at(store.AccessDoc, v.access.Err))
	}
	return pass() // a refresh does not wait for access
}

func attemptDied(v View) (Step, bool) {
	if v.idle() || v.Held {
		return pass()
	}
	return v.takesOver(v.Row.AttemptID, v.Row.AttemptSource, v.Row.BaseVersionID)
}

// takesOver is the step that claims an attempt, once the row was compared with the secrets. A
// takeover makes the row's fence later, perhaps as late as that of a version that a restored row
// does not know; after that nothing would show that it was restored. For the same reason the read
// of tokens must be confirmed.
func (v View) takesOver(attemptID string, source store.Source, base string) (Step, bool) {
	needs := Needs{Secrets: !v.Tokens.done, Again: !v.again.done, Access: !v.access.done}
	if needs.any() {
		return need(needs)
	}
	unread := []error{v.at(store.TokensDoc, v.Tokens.Err), v.at(store.AccessDoc, v.access.Err)}
	if v.Tokens.Err == nil {
		unread = append(unread, v.moved())
	}
	for _, err := range unread {
		if err != nil && !lasting(err) {
			return wait(outcome.Transient, err)
		}
	}
	return Step{Do: TakeOver, attemptID: attemptID, source: source, base: base}, true
}

// postponed leaves an attempt that was taken over to the next tick.
func postponed(err error) (Step, bool) { return Step{Do: Postpone, Err: err}, true }

// lostAttempt reports whether an attempt was taken over, and nothing was sent since.
func (v View) lostAttempt() bool { return v.TakenOver && v.ended == nil }

func replyUnknown(v View) (Step, bool) {
	switch {
	case !v.lostAttempt():
		return pass()
	case !v.Tokens.done || !v.staged.done:
		return need(Needs{Secrets: true, Staged: true, Access: true, Again: true, Raw: true})
	case v.Tokens.Err == nil && v.moved() != nil:
		// A stale read of tokens would hide that the row is older.
		return postponed(v.moved())
	case v.staged.Err != nil:
		// Everything depends on whether that version exists.
		return postponed(v.at(store.TokensDoc, v.staged.Err))
	}
	return pass()
}

func replyStaged(v View) (Step, bool) {
	if !v.lostAttempt() || v.staged.ID == "" {
		return pass()
	}
	c, err := parseChain(v.staged.Value)
	if err != nil {
		return postponed(v.at(store.TokensDoc, fmt.Errorf("version %s: %w", v.staged.ID, err)))
	}
	return Step{Do: Finish, chain: c.of(v.Row.AttemptID), staged: true}, true
}

func replyEscrowed(v View) (Step, bool) {
	if e := v.Row.Escrow; !v.lostAttempt() || !hasEscrow(v.Row) || e.AttemptID != v.Row.AttemptID {
		return pass()
	}
	c, err := v.escrowed()
	if err != nil {
		return postponed(err)
	}
	return Step{Do: Finish, chain: c}, true
}

func replyDecoded(v View) (Step, bool) {
	switch {
	case !v.lostAttempt():
		return pass()
	case v.raw.err != nil:
		return postponed(v.raw.err)
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
			return postponed(errors.Join(v.death(), err))
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
		return postponed(errors.Join(v.death(), err))
	}
	return Step{Do: Supersede, version: v.Tokens.ID}, true
}

// A token may be refused because somebody has put a newer one there meanwhile. Two reads must agree
// on it.
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
	case !v.third.done: // a single read may be stale and return an older version
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
	case f.login && v.canLogin:
		return pass()
	case f.login:
		return park(f.state, errors.Join(v.ended.cause, v.graceUnused(), v.adviseNewToken()))
	case f.state != "" && !v.chainWorks:
		return park(f.state, v.ended.cause)
	}
	return wait(f.outcome, v.ended.cause)
}
