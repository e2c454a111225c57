package refresh

import (
	"tokenrefresh/pkg/store"
)

// Stage is a state of a credential: those of docs/protocol.md, by the same names.
type Stage string

// The stages.
const (
	None        Stage = "none"        // there is no row
	OK          Stage = "ok"          // idle, and nothing is missing
	Sending     Stage = "sending"     // a run holds the claim, or died holding it
	Taken       Stage = "taken"       // this run has taken over an attempt that died
	Carried     Stage = "carried"     // idle; a reply in the escrow waits for the secrets to take it
	Unpublished Stage = "unpublished" // idle; access does not hold what tokens holds: not published yet, or tokens was edited

	Dead          = Stage(store.Dead)          // needs a person: the refresh token is refused
	Uncertain     = Stage(store.Uncertain)     // needs a person: the refresh token may be spent
	Misconfigured = Stage(store.Misconfigured) // needs a person, or passes: a secret, address or permission is wrong
)

// Stages are all of them.
var Stages = []Stage{None, OK, Sending, Taken, Carried, Unpublished, Dead, Uncertain, Misconfigured}

// NeedsPerson reports whether a person may have to act. A misconfigured credential is also
// tried again by itself, further and further apart.
func (s Stage) NeedsPerson() bool { return s == Dead || s == Uncertain || s == Misconfigured }

// Stage is the credential's stage. One that needs a person may also be carried or unpublished,
// which the next run repairs.
func (v View) Stage() Stage { return stageOf(v.Row, v.Exists, v.TakenOver) }

func stageOf(r store.Row, exists, takenOver bool) Stage {
	switch {
	case !exists:
		return None
	case r.Unreadable != nil:
		return Misconfigured
	case r.Phase == store.Sending && takenOver:
		return Taken
	case r.Phase == store.Sending:
		return Sending
	case needsPerson(r):
		return Stage(r.State)
	case hasEscrow(r):
		return Carried
	case r.VersionID != r.PublishedVersionID:
		return Unpublished
	}
	return OK
}

// needsPerson reports whether the row's state may need a person.
func needsPerson(r store.Row) bool { return r.State != store.OK && r.State != "" }

// hasEscrow reports whether a readable reply waits in the escrow for the secrets to take it:
// they were at their quota, or down for longer than the attempt.
func hasEscrow(r store.Row) bool { return r.Escrow.AttemptID != "" && !r.Escrow.Raw }

// stateAfter is the state of a credential whose chain is c from now on.
func (v View) stateAfter(c chain) store.State {
	if c.refreshToken.Blank() && v.session != nil && !v.canLogin {
		return withoutToken(c)
	}
	return store.OK
}

// withoutToken is the state of a credential without a login whose chain c has no refresh token.
// If a refresh brought c, its reply held a token that cannot be read, and the one before is spent.
func withoutToken(c chain) store.State {
	if c.source == store.FromRefresh {
		return store.Uncertain
	}
	return store.Dead
}
