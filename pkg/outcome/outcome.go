// Package outcome names how a run can end for a credential or a Berbix row. The names are part of
// the public contract.
package outcome

import (
	"errors"
)

// Outcome is how one run ended for one credential or row.
type Outcome string

// The outcomes.
const (
	Refreshed     Outcome = "refreshed"      // the refresh token was exchanged and the new pair is live
	LoggedIn      Outcome = "logged_in"      // a login made a new pair, and it is live
	Recovered     Outcome = "recovered"      // an attempt that had died was finished from what it had stored
	NotDue        Outcome = "not_due"        // nothing to do yet
	Left          Outcome = "left"           // due, but the run had no time left for it; the next one has
	Busy          Outcome = "busy"           // another run holds the claim
	Superseded    Outcome = "superseded"     // somebody else's newer version stands; due again at once
	NotSeeded     Outcome = "not_seeded"     // nobody has put credentials in yet
	Paused        Outcome = "paused"         // a person paused provider calls
	Recorded      Outcome = "recorded"       // a Berbix transaction was stored
	WouldRefresh  Outcome = "would_refresh"  // dry run
	WouldLogin    Outcome = "would_login"    // dry run
	WouldRecover  Outcome = "would_recover"  // dry run
	RateLimited   Outcome = "rate_limited"   // the provider asked for a pause
	Transient     Outcome = "transient"      // failed without harm; the next tick tries again
	Dead          Outcome = "dead"           // the refresh token is dead and there is no login
	Uncertain     Outcome = "uncertain"      // the refresh token may be spent and there is no login
	Misconfigured Outcome = "misconfigured"  // a person must change a secret, an address or a permission
	PersistFailed Outcome = "persist_failed" // a reply is not everywhere where it belongs; the error says whether it is kept
)

// ErrPanic is the cause of a result whose work panicked.
var ErrPanic = errors.New("internal error: the run panicked")

// traits are what the rest of the program asks of an outcome.
type traits struct {
	rotates bool // a new access token is live
	person  bool // a person must act
	passes  bool // it failed, or was not begun, without harm: a later run tries again
	blocked bool // nothing could be done: another run, or a person, holds the account
	lasting bool // trouble until another outcome ends it
	silent  bool // it tells nothing of the account: the ledger's last outcome stands
	unkept  bool // no run writes it into the ledger
}

// traits has a case for every outcome; the linter checks that.
func (o Outcome) traits() traits {
	switch o {
	case Refreshed, LoggedIn, Recovered:
		return traits{rotates: true}
	case Dead, Uncertain, Misconfigured, PersistFailed:
		return traits{person: true, lasting: true}
	case RateLimited, Transient:
		return traits{passes: true, lasting: true}
	case Paused, NotSeeded:
		return traits{blocked: true, lasting: true, unkept: true}
	case Busy:
		return traits{blocked: true}
	case Left:
		return traits{passes: true, silent: true}
	case NotDue:
		return traits{silent: true}
	case Superseded, Recorded, WouldRefresh, WouldLogin, WouldRecover:
	}
	return traits{}
}

// NeedsPerson reports whether a person must act. A run for that account alone ends with an
// error.
func (o Outcome) NeedsPerson() bool { return o.traits().person }

// Rotates reports whether a new access token is live.
func (o Outcome) Rotates() bool { return o.traits().rotates }

// Passes reports whether a run failed, or did not begin, without harm. A later run tries again.
func (o Outcome) Passes() bool { return o.traits().passes }

// Blocked reports whether a run could do nothing, because another run or a person holds the account.
func (o Outcome) Blocked() bool { return o.traits().blocked }

// Lasts reports whether the outcome is trouble that lasts until another outcome ends it.
func (o Outcome) Lasts() bool { return o.traits().lasting }

// Silent reports whether the outcome tells nothing of the account. Then the last outcome in the
// ledger stands: perhaps the account backs off.
func (o Outcome) Silent() bool { return o.traits().silent }

// Kept reports whether a run writes the outcome into the ledger.
func (o Outcome) Kept() bool { return !o.traits().unkept }
