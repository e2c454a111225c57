package outcome

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
