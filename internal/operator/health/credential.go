// Package health reports for each credential whether all is well and, if not, why and how to mend
// it. Read collects what a home knows; everything else is computed from that and the time, without
// a call.
package health

import (
	"cmp"
	"time"

	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/refresh"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// takes is what an attempt may need, with the default settings: HTTP_TIMEOUT, and 7.5 s until
// readers have the token.
const takes = 17500 * time.Millisecond

// Credential has all that is known about one account of a provider.
type Credential struct {
	Key store.Key
	// Begins is the verb of tokenctl by which a person begins a chain; empty: seed tokens.
	Begins string
	// Sweep: it has transactions, and neither tokens nor access.
	Sweep bool

	Row    store.Row
	Exists bool // the row

	// The secrets; of a Sweep Credentials alone.
	Credentials, Tokens, Access Secret
	CanLogin                    bool // with Credentials
	Again                       providers.Again
	Send                        time.Duration // how long the provider's calls may take; 0: as usual
	RefreshToken                bool          // there is one in Tokens
	WrittenBy                   string        // the attempt that wrote Tokens; empty: a person
	// Staged: the version of the row's attempt is in the tokens secret. It is looked up if the row
	// is uncertain.
	Staged bool
	// Text is that of Tokens.
	Text secret.String
	// Every is the time from one tick to the next, if the schedule was read; 0: the row has it.
	Every time.Duration

	Transactions Transactions // of a Sweep

	// Flags are tokenctl's flags for this home, for the commands of findings.
	Flags string
}

// Fault is what is wrong with a secret.
type Fault string

// The faults.
const (
	Missing  Fault = "missing"  // the secret itself
	Deleted  Fault = "deleted"  // it is scheduled for deletion, and can be restored
	Empty    Fault = "empty"    // nobody has filled it in
	Broken   Fault = "broken"   // its text cannot be used
	Rotating Fault = "rotating" // AWS's native rotation is on
	Unread   Fault = "unread"   // it could not be read from here, so nothing is known about it
)

// Secret has all that is known about a secret.
type Secret struct {
	Name    string // for people
	Version string // the current one; empty: none, or not known
	Fault   Fault  // empty: none
	Err     error  // of the fault; safe to print
}

// view is the view by which a run would decide.
func (c Credential) view(now time.Time) refresh.View {
	names := map[store.Document]string{
		store.Credentials: c.Credentials.Name, store.TokensDoc: c.Tokens.Name, store.AccessDoc: c.Access.Name,
	}
	facts := refresh.Facts{
		Credentials: c.Credentials.Version, Tokens: c.Tokens.Version, Access: c.Access.Version, Text: c.Text,
		CanLogin: c.CanLogin, Again: c.Again, Send: c.Send, Staged: c.Staged,
		Name: func(doc store.Document) string { return names[doc] },
	}
	if c.Credentials.Fault == Unread { // which is unknown: as if nobody had edited it
		facts.Credentials = c.Row.CredentialsVersionID
	}
	if c.Sweep || c.Tokens.Fault == Unread {
		facts.Tokens = c.Row.SeenVersionID
	}
	return facts.View(c.Row, c.Exists, now)
}

// tick is the time from one scheduled run to the next; 0: not known.
func (c Credential) tick() time.Duration { return cmp.Or(c.Every, c.Row.Tick) }

// silence is how long something may be due before runs seem to be missing: three ticks, because the
// scheduler may be late by one. false: the tick is not known.
func (c Credential) silence() (time.Duration, bool) { return 3 * c.tick(), c.tick() > 0 }

// NextAttempt is when a run will next try something; in the past, if it should have tried already.
// Zero: not before a person has acted.
func (c Credential) NextAttempt() time.Time {
	if !c.Sweep {
		return c.view(time.Time{}).NextAttempt()
	}
	r := c.Row
	switch {
	case r.Unreadable != nil, r.Paused:
		return time.Time{}
	case c.waits():
		return r.RefreshAt // refused credentials are tried again, far apart
	}
	next := c.Transactions.Next
	if next.IsZero() {
		return next
	}
	return later(later(next, r.RefreshAt), r.NotBefore) // RefreshAt after a stop
}

// AccessExpiresAt is when the access token ends; of transactions, the first one. Zero: there is
// none.
func (c Credential) AccessExpiresAt() time.Time {
	if c.Sweep {
		return c.Transactions.NextExpiry
	}
	return c.Row.AccessExpiresAt
}

// AttemptsLeft is how many ticks can still save the access token, as pace.Outlook counts them, for
// a function with the template's times. Without a transaction it is pace.MaxAttempts. A pause
// counts as if it ended now. false: the tick is not known.
func (c Credential) AttemptsLeft(now time.Time) (int, bool) {
	switch {
	case c.waits() && !refresh.TriedAgain(c.Row):
		return 0, true
	case c.Sweep && c.Transactions.Next.IsZero():
		return pace.MaxAttempts, true
	case c.tick() == 0:
		return 0, false
	}
	o := refresh.Outlook(c.Row, takes)
	if c.Sweep {
		o = pace.Outlook{
			From: later(later(c.Transactions.Next, c.Row.RefreshAt), c.Row.NotBefore), Until: c.AccessExpiresAt(), Takes: takes,
			Failures: c.Row.ConsecutiveFailures,
		}
		if c.waits() {
			o.Failures, o.Refused = c.Row.LoginFailures, true
		}
	}
	return o.AttemptsLeft(now, c.tick()), true
}

// troubled reports whether the row's state is one that waits for a person.
func (c Credential) troubled() bool { return c.view(time.Time{}).Stage().NeedsPerson() }

// waits reports whether it still waits: nobody has done anything that the next run would see.
func (c Credential) waits() bool { return c.view(time.Time{}).Stuck() }
