package sweep

import (
	"slices"
	"sync"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
)

// warningsMost bounds a report in which every row fails in another way.
const warningsMost = 10

// tally counts what became of an account's rows. It is safe for concurrent use.
type tally struct {
	mu     sync.Mutex
	report Account
	needs  []Result
	fewest int // attempts that a row has left
}

// count adds n rows that ended as what.
func (t *tally) count(what outcome.Outcome, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.report.Outcomes == nil {
		t.report.Outcomes = map[outcome.Outcome]int{}
	}
	t.report.Outcomes[what] += n
}

// counted is how many rows ended as one of these.
func (t *tally) counted(whats ...outcome.Outcome) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, what := range whats {
		n += t.report.Outcomes[what]
	}
	return n
}

// expiry takes note of a row's access token.
func (t *tally) expiry(at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.report.NextExpiry = earlier(t.report.NextExpiry, at)
}

// attempts takes note of how many a row has left.
func (t *tally) attempts(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fewest = min(t.fewest, n)
}

// blind takes note that rows were not seen.
func (t *tally) blind() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.report.Blind = true
}

// backlog takes note of a row that stays due since then.
func (t *tally) backlog(since time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.report.Backlog++
	t.report.OldestDue = earlier(t.report.OldestDue, since)
}

// handedOver takes note of n rows that were put into the queue.
func (t *tally) handedOver(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.report.HandedOver += n
}

// timed takes note of a provider call.
func (t *tally) timed(latency time.Duration, tokens providers.Tokens) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.report.ProviderLatency = max(t.report.ProviderLatency, latency)
	if !tokens.ServerDate.IsZero() {
		t.report.ClockSkew, t.report.ClockRead = tokens.ServerDate.Sub(tokens.IssuedAt).Truncate(time.Second), true
	}
}

// called reports whether a provider call was made.
func (t *tally) called() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.report.ProviderLatency > 0
}

// say tells people once why rows ended as what: as a result where one of them must
// act, be it for the first time, and as a warning where it is no error.
func (t *tally) say(what outcome.Outcome, err error) {
	if !what.NeedsPerson() {
		t.warn(err.Error())
	}
	if what.NeedsPerson() || what == outcome.NotSeeded {
		t.need(Result{Outcome: what, Err: err})
	}
}

func (t *tally) warn(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.report.Warnings) < warningsMost && !slices.Contains(t.report.Warnings, text) {
		t.report.Warnings = append(t.report.Warnings, text)
	}
}

// need lists the account, once for each way in which it needs a person.
func (t *tally) need(r Result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !slices.ContainsFunc(t.needs, func(other Result) bool {
		return other.Outcome == r.Outcome && other.Panicked == r.Panicked
	}) {
		t.needs = append(t.needs, r)
	}
}

// earlier is the earlier of two times, of which a zero one is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// orElse is at, or otherwise where there is no at.
func orElse(at, otherwise time.Time) time.Time {
	if at.IsZero() {
		return otherwise
	}
	return at
}
