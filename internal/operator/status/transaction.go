package status

import (
	"fmt"
	"strings"
	"time"

	"tokenrefresh/internal/operator/health"
	"tokenrefresh/pkg/store"
)

// Transaction is the report on one transaction, without its tokens. Times are UTC, durations full
// seconds: negative ones are past. Unknown fields are left out.
type Transaction struct {
	ID              int64        `json:"transaction_id"`
	Account         string       `json:"account"`
	CustomerUID     string       `json:"customer_uid,omitempty"`
	Status          store.Status `json:"status"`
	DeadAt          time.Time    `json:"dead_at,omitzero"` // when it was marked
	DeadIn          *int64       `json:"dead_in,omitempty"`
	AccessExpiresAt time.Time    `json:"access_expires_at,omitzero"`
	AccessExpiresIn *int64       `json:"access_expires_in,omitempty"`
	NextAttemptAt   time.Time    `json:"next_attempt_at,omitzero"`
	NextAttemptIn   *int64       `json:"next_attempt_in,omitempty"`
	RecordedAt      time.Time    `json:"recorded_at,omitzero"`
	EndsAt          time.Time    `json:"ends_at,omitzero"` // it is not refreshed after that
	EndsIn          *int64       `json:"ends_in,omitempty"`
	Failures        int          `json:"consecutive_failures"`
	Refusals        int          `json:"refusals"` // of its refresh token, that did not mark it dead
}

// NewTransaction makes the report on a transaction, at now.
func NewTransaction(t store.Transaction, now time.Time) Transaction {
	one := Transaction{
		ID: t.ID, Account: t.Account, CustomerUID: t.CustomerUID, Status: t.Status, Failures: t.Failures, Refusals: t.Refusals,
	}
	if t.Status == store.StatusDead {
		one.DeadAt, one.DeadIn = moment(t.RefusedAt, now)
	}
	one.AccessExpiresAt, one.AccessExpiresIn = moment(t.AccessExpiresAt, now)
	one.NextAttemptAt, one.NextAttemptIn = moment(t.RefreshAt, now)
	one.RecordedAt, _ = moment(t.RecordedAt, now)
	one.EndsAt, one.EndsIn = moment(t.ExpiresAt, now)
	return one
}

// Ended reports whether it is past its end.
func (t Transaction) Ended() bool { return t.EndsIn != nil && *t.EndsIn <= 0 }

// Text is the report for people, in lines.
func (t Transaction) Text() string {
	lines := []string{fmt.Sprintf("transaction %d of account %s: %s", t.ID, t.Account, t.Status)}
	add := func(label, text string) { lines = append(lines, fmt.Sprintf("  %-13s %s", label, text)) }
	if t.Status == store.StatusDead {
		since := "the provider called its refresh token invalid"
		if t.DeadIn != nil {
			since += " " + ago(*t.DeadIn)
		}
		add("dead", since)
	}
	switch {
	case t.AccessExpiresIn == nil:
		add("access token", "none")
	case *t.AccessExpiresIn <= 0:
		add("access token", end(t.AccessExpiresIn))
	default:
		add("access token", "ends in "+end(t.AccessExpiresIn))
	}
	switch {
	case t.Ended():
		add("next attempt", "none: it ended "+ago(*t.EndsIn))
	case t.NextAttemptIn == nil:
		add("next attempt", "none")
	default:
		add("next attempt", until(*t.NextAttemptIn, "now"))
	}
	if t.Failures > 0 {
		add("failures", fmt.Sprintf("%d in a row", t.Failures))
	}
	if t.Refusals > 0 {
		add("refusals", fmt.Sprintf("%d, an hour apart; the third ends it", t.Refusals))
	}
	if t.EndsIn != nil && !t.Ended() {
		add("kept fresh", "for "+health.Short(time.Duration(*t.EndsIn)*time.Second)+" more")
	}
	return strings.Join(lines, "\n")
}
