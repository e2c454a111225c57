package sweep

import (
	"sync"
	"time"

	"tokenrefresh/pkg/outcome"
)

// maxStreak is how many rows may fail in a row, over all workers, before the sweep stops
// calling.
const maxStreak = 5

// breaker stops an account's sweep early once some calls have shown that others would
// fail as well. It is safe for concurrent use.
type breaker struct {
	mu        sync.Mutex
	what      outcome.Outcome
	streak    int
	notBefore time.Time
}

// stop prevents further calls. The first reason stands.
func (b *breaker) stop(what outcome.Outcome) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.what == "" {
		b.what = what
	}
}

// limit stops for a rate limit. Of several waits the longest stands.
func (b *breaker) limit(until time.Time) {
	b.stop(outcome.RateLimited)
	b.mu.Lock()
	defer b.mu.Unlock()
	if until.After(b.notBefore) {
		b.notBefore = until
	}
}

// stopped returns why no further call may begin; empty if one may.
func (b *breaker) stopped() outcome.Outcome {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.what
}

// limited returns the end of the provider's rate limit; zero if there is none.
func (b *breaker) limited() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.notBefore
}

// failed counts a row on which the provider or a store failed. It reports whether this
// one ended the sweep.
func (b *breaker) failed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.streak++
	if b.streak < maxStreak || b.what != "" {
		return false
	}
	b.what = outcome.Transient
	return true
}

// succeeded resets the streak of failures.
func (b *breaker) succeeded() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.streak = 0
}
