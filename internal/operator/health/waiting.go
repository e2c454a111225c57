package health

import (
	"fmt"
	"strings"
	"time"

	"tokenrefresh/pkg/refresh"
	"tokenrefresh/pkg/store"
)

// waiting is the finding about a row that waits for a person.
func (c Credential) waiting(now time.Time) Finding {
	if c.troubled() && !c.waits() {
		return warn(Condition(c.Row.State), c.because(fmt.Sprintf("it was %s, and a secret was edited since", c.Row.State)),
			"the next tick tries; if nothing changes for minutes, find out why", c.doctor())
	}
	switch c.Row.State {
	case store.Dead:
		return act(Dead, c.because("the refresh token is refused, and there is no login"), c.newChain(), c.seeds()...)
	case store.Uncertain:
		return c.uncertain(now)
	case store.Misconfigured:
		return c.misconfigured()
	case store.OK:
	}
	return Finding{}
}

// uncertain is the finding about an attempt that may have spent the token.
func (c Credential) uncertain(now time.Time) Finding {
	r := c.Row
	cause := c.because("the refresh token may be spent, and there is no login")
	from, again := c.view(now).SentAgain()
	switch {
	case c.view(now).TurnedUp():
		return warn(Uncertain, "the reply that was missing is in the secret "+c.Tokens.Name,
			"the next tick finishes the attempt; if nothing changes for minutes, find out why", c.doctor())
	case c.Staged:
		cause = fmt.Sprintf("the reply that was missing is in the secret %s, but another version is current there", c.Tokens.Name)
		return act(Uncertain, cause, "make the reply current, or drop it for good",
			c.command("resolve accept"), c.command("resolve discard"))
	case r.Escrow.AttemptID != "", r.ReplyID != "":
		return act(Uncertain, cause+"; the provider's reply is stored, and could not be read",
			fmt.Sprintf("correct the secret %s (key, address): the next tick reads the reply with it; or %s",
				c.Credentials.Name, c.newChain()), c.seeds()...)
	case again:
		when := "at the next tick"
		if wait := from.Sub(now); wait > 0 {
			when = "in " + Short(wait)
		}
		return warn(Uncertain, cause+"; no reply is stored",
			when+" a run asks its issuer or presents it again, as the credentials say; if nothing changes then, see why", c.doctor())
	case c.CanLogin:
		return act(Uncertain, cause+"; no reply is stored", "log in once", c.command("resolve relogin"))
	}
	return act(Uncertain, cause+"; no reply is stored", c.newChain(), c.seeds()...)
}

// misconfigured is the finding about a run that could not go on.
func (c Credential) misconfigured() Finding {
	if f := c.secretAtFault(); !f.none() {
		f.Condition = Misconfigured
		return f
	}
	cause := c.because("a run could not go on")
	if refresh.SecretsUnreadable(c.Row) {
		return act(Misconfigured, cause,
			"give the function what the cause names (on AWS, sam deploy puts its role right): each tick looks again", c.doctor())
	}
	return act(Misconfigured, cause,
		fmt.Sprintf("correct the secret %s, or, if the obstacle is gone already, force a run", c.Credentials.Name),
		c.command("seed credentials"), c.command("refresh --force"))
}

// because adds the ledger's own cause to a cause, if that says more.
func (c Credential) because(cause string) string {
	if strings.HasPrefix(cause, c.Row.LastError) {
		return cause
	}
	return cause + ": " + c.Row.LastError
}
