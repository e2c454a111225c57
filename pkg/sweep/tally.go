package sweep

import (
	"errors"
	"slices"
	"sync"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
)

// maxWarnings limits a report in which every row fails in another way.
const maxWarnings = 10

// retriedError is the cause of an outcome that needs a person and is still tried again soon.
type retriedError struct{ error }

// Unwrap gives the cause to errors.Is and errors.As.
func (e retriedError) Unwrap() error { return e.error }

// tally counts how an account's rows ended. It is safe for concurrent use.
type tally struct {
	mu     sync.Mutex
	report Account
	needs  []Result
	causes map[outcome.Outcome]error // the first of each
	fewest int                       // attempts left of the row with the fewest
	// blocked: a person must act before calls are tried again.
	blocked bool
}

// count adds n rows with that outcome.
func (t *tally) count(what outcome.Outcome, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.report.Outcomes[what] += n
}

// counted returns how many rows had one of these outcomes.
func (t *tally) counted(whats ...outcome.Outcome) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, what := range whats {
		n += t.report.Outcomes[what]
	}
	return n
}

// addExpiry records when a row's access token ends, and how many attempts are left until then.
func (t *tally) addExpiry(at time.Time, attempts int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.report.NextExpiry = earlier(t.report.NextExpiry, at)
	t.fewest = min(t.fewest, attempts)
}

// markBlind records that some rows were not seen.
func (t *tally) markBlind() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.report.Blind = true
}

// addBacklog records a row that stays due, and since when it is.
func (t *tally) addBacklog(since time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.report.Backlog++
	t.report.OldestDue = earlier(t.report.OldestDue, since)
}

// addHandedOver records n rows that were put into the queue.
func (t *tally) addHandedOver(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.report.HandedOver += n
}

// addCall records a provider call.
func (t *tally) addCall(latency time.Duration, tokens providers.Tokens) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.report.ProviderLatency = max(t.report.ProviderLatency, latency)
	if !tokens.ServerDate.IsZero() {
		t.report.ClockSkew, t.report.ClockRead = tokens.ServerDate.Sub(tokens.IssuedAt).Truncate(time.Second), true
	}
}

// explain logs the first cause for each outcome: as a result if a person must act or
// must put credentials in, else as a warning.
func (t *tally) explain(what outcome.Outcome, err error) {
	t.addCause(what, err)
	if _, retried := errors.AsType[retriedError](err); what == outcome.Misconfigured && !retried {
		t.mu.Lock()
		t.blocked = true
		t.mu.Unlock()
	}
	if !what.NeedsPerson() {
		t.warn(err.Error())
	}
	if what.NeedsPerson() || what == outcome.NotSeeded {
		t.addNeed(Result{Outcome: what, Err: err})
	}
}

// addCause records the first cause of an outcome.
func (t *tally) addCause(what outcome.Outcome, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.causes[what] == nil {
		t.causes[what] = err
	}
}

// warn adds a warning, once.
func (t *tally) warn(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.report.Warnings) < maxWarnings && !slices.Contains(t.report.Warnings, text) {
		t.report.Warnings = append(t.report.Warnings, text)
	}
}

// addNeed lists the account, once for each way in which it needs a person.
func (t *tally) addNeed(r Result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !slices.ContainsFunc(t.needs, func(other Result) bool {
		return other.Outcome == r.Outcome && other.Panicked == r.Panicked
	}) {
		t.needs = append(t.needs, r)
	}
}

// earlier returns the earlier of two times. A zero time means none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// orElse returns at, or otherwise if at is zero.
func orElse(at, otherwise time.Time) time.Time {
	if at.IsZero() {
		return otherwise
	}
	return at
}
