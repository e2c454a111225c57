package refresh

import (
	"tokenrefresh/pkg/store"
)

// Stage is where a credential stands: the states of docs/protocol.md, by the same names.
type Stage string

// The stages.
const (
	None          Stage = "none"          // there is no row
	OK            Stage = "ok"            // idle, and all is where it belongs
	Sending       Stage = "sending"       // a run holds the claim, or died holding it
	Taken         Stage = "taken"         // this run has taken over an attempt that died
	Carried       Stage = "carried"       // idle; a reply in the escrow waits for the secrets to take it
	Unpublished   Stage = "unpublished"   // idle; access does not follow tokens yet
	Dead          Stage = "dead"          // waits for a person: the refresh token is refused
	Uncertain     Stage = "uncertain"     // waits for a person: the refresh token may be spent
	Misconfigured Stage = "misconfigured" // waits for a person: a secret, address or permission is wrong
)

// Stages are all of them, in the order of docs/protocol.md.
var Stages = []Stage{None, OK, Sending, Taken, Carried, Unpublished, Dead, Uncertain, Misconfigured}

// WaitsForPerson reports whether a person may have to act. A misconfigured credential is
// tried again by itself as well, further and further apart.
func (s Stage) WaitsForPerson() bool { return s == Dead || s == Uncertain || s == Misconfigured }

// Stage is where the credential stands. A credential that waits for a person may be carried
// or unpublished besides, which the next run mends all the same.
func (v View) Stage() Stage { return stageOf(v.Row, v.Exists, v.Taken) }

func stageOf(r store.Row, exists, taken bool) Stage {
	switch {
	case !exists:
		return None
	case r.Unreadable != nil:
		return Misconfigured
	case r.Phase == store.Sending && taken:
		return Taken
	case r.Phase == store.Sending:
		return Sending
	}
	switch r.State {
	case store.Dead:
		return Dead
	case store.Uncertain:
		return Uncertain
	case store.Misconfigured:
		return Misconfigured
	case store.OK, "":
	}
	switch {
	case carries(r):
		return Carried
	case r.VersionID != r.PublishedVersionID:
		return Unpublished
	}
	return OK
}

// carries reports whether a readable reply waits in the escrow for the secrets to take it:
// they were at their quota, or down for longer than the attempt.
func carries(r store.Row) bool { return r.Escrow.AttemptID != "" && !r.Escrow.Raw }
