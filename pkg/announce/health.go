package announce

import "tokenrefresh/pkg/outcome"

// health is an account's, as far as its failures are told apart: what passes by itself
// is one, each outcome that waits for somebody another.
type health string

const (
	well    health = ""
	failing health = "failing"
)

// healthOf is the account's after an end; false where that says nothing of it, as a run
// that met another's claim or a pause.
func healthOf(e End) (health, bool) {
	switch {
	case e.Outcome.Rotates():
		return well, true
	case e.Outcome == outcome.NotDue: // perhaps for a back-off
		return healthAfter(e.Noted), true
	}
	h := healthAfter(e.Outcome)
	return h, h != well
}

// healthAfter is the account's once the ledger has noted that outcome as its last.
func healthAfter(last outcome.Outcome) health {
	switch last {
	case outcome.Transient, outcome.RateLimited:
		return failing
	case outcome.Dead, outcome.Uncertain, outcome.Misconfigured, outcome.PersistFailed:
		return health(last)
	default:
		return well
	}
}
