package health

import (
	"fmt"
	"time"

	"tokenrefresh/pkg/refresh"
	"tokenrefresh/pkg/store"
)

// rowUnreadable is the finding about a row that cannot be read.
func (c Credential) rowUnreadable() Finding {
	if c.Row.Unreadable == nil {
		return Finding{}
	}
	return act(RowUnreadable, c.Row.Unreadable.Error(),
		"somebody has edited it by hand: correct what the cause names; nothing is sent until then")
}

// rowless is the finding about a credential with secrets and without a row.
func (c Credential) rowless(now time.Time) Finding {
	const mend = "the next tick does; an account that is not among the function's Accounts needs one run of its own"
	switch {
	case c.Exists && refresh.Decide(c.view(now)).Do == refresh.Forget:
		return warn(RowLost, "the ledger's row is older than the secrets, perhaps restored from a backup: every refresh token may be "+
			"spent, and a run must log in", mend, c.command("refresh"))
	case c.Exists:
		return Finding{}
	case c.WrittenBy != "":
		cause := "the ledger has lost its row: the token in the secret %s may be spent, and a run must log in"
		return warn(RowLost, fmt.Sprintf(cause, c.Tokens.Name), mend, c.command("refresh"))
	}
	return warn(New, "no run has looked at it yet", mend, c.command("refresh"))
}

// untried is the finding about a row that no run has tried yet.
func (c Credential) untried() Finding {
	return warn(New, "no run has looked at it yet", "the next tick does", c.command("refresh")).
		when(c.Row.AttemptID == "" && c.Row.LastOutcome == "")
}

// sending is the finding about a claim: it is held, or its holder died.
func (c Credential) sending(now time.Time) Finding {
	if c.Row.Phase != store.Sending {
		return Finding{}
	}
	late := now.Sub(c.Row.ClaimedUntil)
	silence, known := c.silence()
	switch {
	case late < 0:
		return Finding{State: OK, Condition: Busy, Cause: fmt.Sprintf("a run is at work, for %s more at most", Short(-late))}
	case late < silence || !known:
		return warn(Died, "a run died over an attempt", "the next tick finishes it")
	}
	return act(Silent, fmt.Sprintf("a run died over an attempt, and no other has come for %s to finish it", Short(late)), findRuns,
		c.doctor(), c.command("refresh"))
}

// unstored is the finding about a reply that is not stored everywhere.
func (c Credential) unstored(now time.Time) Finding {
	const mend = "remove the obstacle, a permission or a quota: each tick tries again, and nothing is lost"
	v := c.view(now)
	switch {
	case refresh.Decide(v).Do != refresh.Repair:
	case v.Stage() == refresh.Carried:
		cause := fmt.Sprintf("the newest tokens are in the ledger alone, because the secret %s did not take them", c.Tokens.Name)
		return act(Unstored, c.because(cause), mend, c.doctor())
	default:
		return act(Unpublished, c.because(fmt.Sprintf("the secret %s lacks the newest token", c.Access.Name)), mend, c.doctor())
	}
	return Finding{}
}

func (c Credential) paused() Finding {
	return warn(Paused, "a person has paused the calls to the provider", "let them go on", c.command("resume")).when(c.Row.Paused)
}
