// Package outcome names how a run can end for a credential or a Berbix row. The names are part of
// the public contract.
package outcome

import "errors"

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
