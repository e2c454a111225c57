package sweep

import (
	"sync"
	"time"

	"tokenrefresh/pkg/outcome"
)

// troubleMost is after how many rows in a row, whichever worker had them, a provider
// that fails is left in peace for the rest of the sweep.
const troubleMost = 5

// brake stops an account's sweep before its rows are done: what one call has shown,
// the others need not find out. It is safe for concurrent use.
type brake struct {
	mu        sync.Mutex
	what      outcome.Outcome
	streak    int
	notBefore time.Time
}

// stop lets no further call begin; the first reason stands.
func (b *brake) stop(what outcome.Outcome) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.what == "" {
		b.what = what
	}
}

// limit stops for a rate limit, until the latest moment that was asked for.
func (b *brake) limit(until time.Time) {
	b.stop(outcome.RateLimited)
	b.mu.Lock()
	defer b.mu.Unlock()
	if until.After(b.notBefore) {
		b.notBefore = until
	}
}

// stopped is why no further call may begin; empty where one may.
func (b *brake) stopped() outcome.Outcome {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.what
}

// limited is until when the provider wants no call; zero: it said nothing.
func (b *brake) limited() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.notBefore
}

// trouble counts a row on which the provider or a store failed; true if this one
// was one too many.
func (b *brake) trouble() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.streak++
	if b.streak < troubleMost || b.what != "" {
		return false
	}
	b.what = outcome.Transient
	return true
}

// calm ends the row of troubles: a call was answered, and its end stored.
func (b *brake) calm() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.streak = 0
}
