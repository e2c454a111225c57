// Package health tells of each credential whether all is well and, if not, why and what
// mends it. Read collects what a home knows; everything else is computed from that and
// the time, and asks nobody.
package health

import (
	"time"

	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/refresh"
	"tokenrefresh/pkg/store"
)

const (
	// tick is the pace of a schedule that nobody has changed.
	tick = time.Minute
	// takes is what an attempt may need, where nobody has changed that: HTTP_TIMEOUT and
	// the time to store.
	takes = 20 * time.Second
	// silence is how long something may be due before no run seems to come: three ticks,
	// as the scheduler may be late by one.
	silence = 3 * tick
)

// Credential is what is known of one account of a provider.
type Credential struct {
	Key store.Key
	// Sweep: it has transactions, and neither tokens nor access.
	Sweep bool

	Row    store.Row
	Exists bool // the row

	// The secrets; of a Sweep Credentials alone.
	Credentials, Tokens, Access Secret
	CanLogin                    bool   // with Credentials
	RefreshToken                bool   // there is one in Tokens
	WrittenBy                   string // the attempt that wrote Tokens; empty: a person
	// Staged: the version of the row's attempt is in the tokens secret. It is looked up
	// where the row is uncertain.
	Staged bool

	Transactions Transactions // of a Sweep

	// Flags are those with which tokenctl finds this home, for the commands of findings.
	Flags string
}

// Fault is what is wrong with a secret.
type Fault string

// The faults.
const (
	Missing  Fault = "missing"  // the secret itself
	Deleted  Fault = "deleted"  // it is scheduled for deletion, and can be had back
	Empty    Fault = "empty"    // nobody has filled it in
	Broken   Fault = "broken"   // its text cannot be used
	Rotating Fault = "rotating" // AWS's native rotation is on
	Unread   Fault = "unread"   // it could not be read from here, which tells nothing of it
)

// Secret is what is known of a secret.
type Secret struct {
	Name    string // as people know it
	Version string // the current one; empty: none, or not known
	Fault   Fault  // empty: none
	Err     error  // of the fault; safe to print
}

// Transactions is what the head of the due index tells of an account's transactions.
type Transactions struct {
	Due        int       // due now, as far as the head tells
	More       bool      // there are more of them
	OldestDue  time.Time // since when; zero: none is due
	Next       time.Time // when the first is due; zero: there is none
	NextExpiry time.Time // the earliest end of an access token in the head
	Err        error     // why the head is not complete; safe to print

	Dead DeadRows
}

// NextAttempt is when a run will next try something, and in the past where it should have
// tried already. Zero: not before a person has acted.
func (c Credential) NextAttempt() time.Time {
	r := c.Row
	switch {
	case r.Unreadable != nil:
		return time.Time{}
	case r.Phase == store.Sending:
		return r.ClaimedUntil
	case c.Sweep && c.waits() && !r.Paused:
		return r.RefreshAt // refused credentials are tried again, far apart
	case r.State == store.Misconfigured && !c.unread() && !r.Paused:
		return later(r.RefreshAt, r.NotBefore) // and so is what a person may have to mend
	case r.Paused, c.waits(), !c.Exists && !c.Sweep:
		return time.Time{}
	}
	next := r.RefreshAt
	if c.Sweep {
		next = c.Transactions.Next
		if !next.IsZero() {
			next = later(next, r.RefreshAt) // after a stop
		}
	}
	if !next.IsZero() && r.NotBefore.After(next) {
		next = r.NotBefore
	}
	return next
}

// AccessExpiresAt is when the access token ends, of transactions the first. Zero: there
// is none.
func (c Credential) AccessExpiresAt() time.Time {
	if c.Sweep {
		return c.Transactions.NextExpiry
	}
	return c.Row.AccessExpiresAt
}

// AttemptsLeft is how many ticks can still save the access token, as pace.Outlook counts
// them, for a function with the template's times. Where there is no transaction it is
// pace.MostAttempts. A pause counts as if it ended now.
func (c Credential) AttemptsLeft(now time.Time) int {
	switch {
	case c.waits():
		return 0
	case c.Sweep && c.Transactions.Next.IsZero():
		return pace.MostAttempts
	}
	r := c.Row
	if !c.Sweep {
		return refresh.Outlook(r, takes).AttemptsLeft(now, tick)
	}
	o := pace.Outlook{
		From: later(later(c.Transactions.Next, r.RefreshAt), r.NotBefore), Until: c.AccessExpiresAt(), Takes: takes,
		Retries: true, Failures: r.ConsecutiveFailures,
	}
	return o.AttemptsLeft(now, tick)
}

// troubled reports whether the row's state is one that waits for a person.
func (c Credential) troubled() bool { return c.Row.State != store.OK && c.Row.State != "" }

// waits reports whether it waits still: nobody has done anything that the next run would
// see.
func (c Credential) waits() bool { return c.troubled() && (c.unread() || !c.edited()) }

// unread reports whether the row says that the secrets could not be read, and not that a
// try failed: each tick looks at them again then.
func (c Credential) unread() bool {
	return c.Row.State == store.Misconfigured && c.Row.CredentialsVersionID == ""
}

// edited reports whether a person has changed a secret since the row's state was written.
// The next run tries then.
func (c Credential) edited() bool {
	r := c.Row
	changed := func(s Secret, seen string) bool { return s.Fault != Unread && s.Version != seen }
	return changed(c.Credentials, r.CredentialsVersionID) || !c.Sweep && changed(c.Tokens, r.SeenVersionID)
}
