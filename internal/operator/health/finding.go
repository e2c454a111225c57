package health

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// State is how much a finding matters.
type State string

// The states.
const (
	OK   State = "ok"
	Warn State = "warn" // it heals by itself, or harms nobody yet
	Act  State = "act"  // a person must act
)

// Worse compares states: above 0 if s is worse than other.
func (s State) Worse(other State) int {
	order := []State{OK, Warn, Act}
	return cmp.Compare(slices.Index(order, s), slices.Index(order, other))
}

// Condition is what a finding is about. The words do not change: programs may read them.
type Condition string

// The conditions.
const (
	Healthy          Condition = "healthy"
	Busy             Condition = "busy"              // a run is at work
	New              Condition = "new"               // no run has looked at it yet
	NotSeeded        Condition = "not_seeded"        // nobody has put credentials in
	Paused           Condition = "paused"            // by a person
	RateLimited      Condition = "rate_limited"      // the provider wants no call
	Failing          Condition = "failing"           // the last attempts failed without harm
	Dead             Condition = "dead"              // the refresh token is refused, and there is no login
	Uncertain        Condition = "uncertain"         // the refresh token may be spent, and there is no login
	Misconfigured    Condition = "misconfigured"     // a run could not go on
	SecretAtFault    Condition = "secret"            // a secret cannot be used, which no run has met yet
	Died             Condition = "died"              // a run died over an attempt
	Unstored         Condition = "unstored"          // the newest tokens are in the ledger alone
	Unpublished      Condition = "unpublished"       // the access secret lacks the newest token
	AccessEdited     Condition = "access_edited"     // no run has published the value of the access secret
	RowLost          Condition = "row_lost"          // the ledger has forgotten a chain
	RowUnreadable    Condition = "row_unreadable"    // the row in the ledger cannot be read
	Silent           Condition = "silent"            // no run seems to come
	Expired          Condition = "expired"           // the access token has ended, and nothing else is known
	ChainEnds        Condition = "chain_ends"        // the refresh token ends before it is used, and there is no login
	Backlog          Condition = "backlog"           // transactions are due for long
	DeadTransactions Condition = "dead_transactions" // transactions were marked dead
	IndexAtFault     Condition = "index"             // entries of the due index, or claims on it, cannot be read
	Unchecked        Condition = "unchecked"         // a secret could not be read from here
)

// Finding is one thing that is wrong with a credential, or that all is well.
type Finding struct {
	State     State     `json:"state"`
	Condition Condition `json:"condition"`
	Cause     string    `json:"cause,omitempty"` // empty if all is well
	Mend      string    `json:"mend,omitempty"`  // what to do; empty: nothing
	// Commands are for a shell. Each alone does what Mend says, or its first step.
	Commands []string `json:"commands,omitempty"`
}

func act(about Condition, cause, mend string, commands ...string) Finding {
	return Finding{Act, about, cause, mend, commands}
}

func warn(about Condition, cause, mend string, commands ...string) Finding {
	return Finding{Warn, about, cause, mend, commands}
}

// when is the finding if it applies; else nothing was found.
func (f Finding) when(applies bool) Finding {
	if applies {
		return f
	}
	return Finding{}
}

// none reports whether nothing was found.
func (f Finding) none() bool { return f.State == "" }

// tells reports whether other adds nothing to f.
func (f Finding) tells(other Finding) bool {
	return strings.HasPrefix(f.Cause, other.Cause) && slices.Equal(f.Commands, other.Commands)
}

// first is the first finding.
func first(all ...Finding) Finding {
	for _, f := range all {
		if !f.none() {
			return f
		}
	}
	return Finding{State: OK, Condition: Healthy}
}

// Verdict is the worst of Findings.
func (c Credential) Verdict(now time.Time) Finding { return c.Findings(now)[0] }

// Findings are all findings at a time, the worst first. If all is well, there is one for that.
func (c Credential) Findings(now time.Time) []Finding {
	if f := c.rowUnreadable(); !f.none() {
		return []Finding{f}
	}
	main := c.chain(now)
	if c.Sweep {
		main = c.sweep(now)
	}
	all := []Finding{main}
	for _, f := range []Finding{
		c.paused(), c.secretAtFault(), c.accessEdited(now), c.indexAtFault(), c.deadTransactions(now), c.unchecked(),
	} {
		if !f.none() && f.Condition != main.Condition && !main.tells(f) {
			all = append(all, f)
		}
	}
	slices.SortStableFunc(all, func(a, b Finding) int { return b.State.Worse(a.State) })
	if all[0].State != OK {
		all = slices.DeleteFunc(all, func(f Finding) bool { return f.State == OK })
	}
	return all
}
