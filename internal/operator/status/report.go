// Package status shows the state of all credentials: as a table for people, as JSON for programs,
// once or repeatedly.
package status

import (
	"slices"
	"time"

	"tokenrefresh/internal/operator/health"
	"tokenrefresh/pkg/outcome"
)

// Report is the JSON of the status. docs/status.md describes it: fields may be added, but never
// changed.
type Report struct {
	At          time.Time    `json:"at"`
	State       health.State `json:"state"` // the worst of all
	Credentials []Credential `json:"credentials"`

	counts map[health.State]int // of all, those that Only leaves out included
}

// Credential is one row. Times are UTC, durations full seconds: negative ones are past. Unknown
// fields are left out.
type Credential struct {
	Provider  string           `json:"provider"`
	Account   string           `json:"account"`
	State     health.State     `json:"state"`
	Condition health.Condition `json:"condition"`
	Outcome   outcome.Outcome  `json:"outcome,omitempty"` // the last that the ledger has noted
	Paused    bool             `json:"paused"`

	AccessExpiresAt  time.Time `json:"access_expires_at,omitzero"`
	AccessExpiresIn  *int64    `json:"access_expires_in,omitempty"`
	RefreshExpiresAt time.Time `json:"refresh_expires_at,omitzero"`
	RefreshExpiresIn *int64    `json:"refresh_expires_in,omitempty"`
	LastSuccessAt    time.Time `json:"last_success_at,omitzero"`
	LastSuccessIn    *int64    `json:"last_success_in,omitempty"`
	NextAttemptAt    time.Time `json:"next_attempt_at,omitzero"`
	NextAttemptIn    *int64    `json:"next_attempt_in,omitempty"`

	AttemptsLeft        *int `json:"attempts_left,omitempty"`
	ConsecutiveFailures int  `json:"consecutive_failures"`

	Transactions *Transactions `json:"transactions,omitempty"`

	Findings []health.Finding `json:"findings"` // the worst first; none if all is well
}

// Transactions are those of an account, as far as the head of the due index shows.
type Transactions struct {
	Due         int       `json:"due"`
	More        bool      `json:"more"` // there may be more of them
	OldestDueAt time.Time `json:"oldest_due_at,omitzero"`
	OldestDueIn *int64    `json:"oldest_due_in,omitempty"`
	Dead        int       `json:"dead"`
	MoreDead    bool      `json:"more_dead"` // there may be more of them
	LastDeadAt  time.Time `json:"last_dead_at,omitzero"`
	LastDeadIn  *int64    `json:"last_dead_in,omitempty"`
}

// New makes the report of what was read, at now.
func New(credentials []health.Credential, now time.Time) Report {
	r := Report{
		At: second(now), State: health.OK, Credentials: make([]Credential, 0, len(credentials)), counts: map[health.State]int{},
	}
	for _, c := range credentials {
		one := newCredential(c, now)
		if one.State.Worse(r.State) > 0 {
			r.State = one.State
		}
		r.counts[one.State]++
		r.Credentials = append(r.Credentials, one)
	}
	return r
}

// Only leaves out credentials of other states; without states, none. The report's own state stays.
func (r Report) Only(states ...health.State) Report {
	if len(states) > 0 {
		other := func(c Credential) bool { return !slices.Contains(states, c.State) }
		r.Credentials = slices.DeleteFunc(slices.Clone(r.Credentials), other)
	}
	return r
}

func newCredential(c health.Credential, now time.Time) Credential {
	findings := c.Findings(now)
	worst := findings[0]
	if worst.Condition == health.Healthy {
		findings = []health.Finding{}
	}
	one := Credential{
		Provider: c.Key.Provider, Account: c.Key.Account, State: worst.State, Condition: worst.Condition,
		Outcome: c.Row.LastOutcome, Paused: c.Row.Paused,
		ConsecutiveFailures: c.Row.ConsecutiveFailures, Findings: findings,
	}
	if left, known := c.AttemptsLeft(now); known {
		one.AttemptsLeft = &left
	}
	if one.Outcome == "" && worst.Condition == health.NotSeeded {
		one.Outcome = outcome.NotSeeded // which no run writes
	}
	one.AccessExpiresAt, one.AccessExpiresIn = moment(c.AccessExpiresAt(), now)
	one.RefreshExpiresAt, one.RefreshExpiresIn = moment(c.Row.RefreshExpiresAt, now)
	one.LastSuccessAt, one.LastSuccessIn = moment(c.Row.LastSuccessAt, now)
	one.NextAttemptAt, one.NextAttemptIn = moment(c.NextAttempt(), now)
	if c.Sweep {
		due, dead := c.Transactions.Due, c.Transactions.Dead
		t := &Transactions{Due: due.N, More: due.More, Dead: dead.N, MoreDead: dead.More}
		t.OldestDueAt, t.OldestDueIn = moment(c.Transactions.OldestDue, now)
		t.LastDeadAt, t.LastDeadIn = moment(c.Transactions.LastDead, now)
		one.Transactions = t
	}
	return one
}

// moment is a time, and how far away it is.
func moment(at, now time.Time) (time.Time, *int64) {
	if at.IsZero() {
		return time.Time{}, nil
	}
	in := int64(at.Sub(now) / time.Second)
	return second(at), &in
}

func second(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }
