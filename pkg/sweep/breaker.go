package sweep

import (
	"context"
	"fmt"
	"sync"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
)

const (
	// maxStoreFailures is how many rows in a row a store may fail on before the sweep stops.
	maxStoreFailures = 5
	// maxSame is how many rows may get the same unknown answer, while none gets tokens,
	// before the sweep stops. They are drawn over all due rows, see spread.
	maxSame = 20
	// firstCalls is how many calls run at once until one was answered: providers lock
	// accounts after five to ten calls with a wrong secret.
	firstCalls = 4
)

// pauseKind says what an account waits for after a stop.
type pauseKind int

const (
	noPause          pauseKind = iota // the next tick tries again, or not before a rate limit ends
	pauseRetry                        // pace.Retry
	pauseCredentials                  // pace.RefusedCredentials
)

// breaker stops an account's sweep early once some calls have shown that others would
// fail as well. Until a call has shown that calls succeed, only a few run at once. It is
// safe for concurrent use.
type breaker struct {
	slots    chan struct{} // each row that begins before an answer holds one
	answered chan struct{} // closed once the provider has said yes or no to a token
	halted   chan struct{} // closed by a stop

	mu            sync.Mutex
	reason        outcome.Outcome
	pause         pauseKind
	notBefore     time.Time
	storeFailures int
	silent        int // rows in a row that got no answer; each keeps its slot
	keep          int // of these, rows that have not ended yet
	unknown       map[answer]int
	accepted      int // rows that got tokens
	presented     int // rows whose token was presented
}

// answer tells unknown answers apart. status 0: no answer came.
type answer struct {
	kind   providers.Kind
	status int
}

// init sets how many calls run at once until one was answered.
func (b *breaker) init(calls int) {
	b.slots = make(chan struct{}, calls)
	b.answered, b.halted = make(chan struct{}), make(chan struct{})
	b.unknown = map[answer]int{}
}

// begin waits until a further row may begin.
func (b *breaker) begin(ctx context.Context) error {
	select {
	case <-b.answered:
		return nil
	default:
	}
	select {
	case <-b.answered:
		return nil
	case b.slots <- struct{}{}:
		return nil
	case <-b.halted:
		return errStopped
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// end lets another row begin, unless the one that ends got no answer.
func (b *breaker) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.freeLocked()
}

func (b *breaker) freeLocked() {
	if b.keep > 0 {
		b.keep--
		return
	}
	select {
	case <-b.slots:
	default: // it began after the first answer
	}
}

// heardLocked ends the streak of rows that got no answer.
func (b *breaker) heardLocked() {
	for ; b.silent > 0; b.silent-- {
		b.freeLocked()
	}
}

// stop prevents further calls. The first reason stands.
func (b *breaker) stop(reason outcome.Outcome, pause pauseKind) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stopLocked(reason, pause)
}

func (b *breaker) stopLocked(reason outcome.Outcome, pause pauseKind) bool {
	if b.reason != "" {
		return false
	}
	b.reason, b.pause = reason, pause
	if b.halted != nil { // else no call was begun
		close(b.halted)
	}
	return true
}

// limit stops for a rate limit. Of several waits the longest stands.
func (b *breaker) limit(until time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.presented++
	b.stopLocked(outcome.RateLimited, noPause)
	if until.After(b.notBefore) {
		b.notBefore = until
	}
}

// stopped returns why no further call may begin; empty if one may.
func (b *breaker) stopped() outcome.Outcome {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.reason
}

// limited returns the end of the provider's rate limit; zero if there is none.
func (b *breaker) limited() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.notBefore
}

// storeFailed counts a row on which a store failed. It reports whether this one stopped
// the sweep.
func (b *breaker) storeFailed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.storeFailures++
	return b.storeFailures >= maxStoreFailures && b.stopLocked(outcome.Transient, noPause)
}

// stored resets the streak of the store's failures.
func (b *breaker) stored() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.storeFailures = 0
}

// accept counts a row that got tokens.
func (b *breaker) accept() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.presented++
	b.accepted++
	b.heardLocked()
	b.openLocked()
}

// refuse counts a row whose refresh token the provider calls invalid.
func (b *breaker) refuse() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.presented++
	b.heardLocked()
	b.openLocked()
}

func (b *breaker) openLocked() {
	select {
	case <-b.answered:
	default:
		close(b.answered)
	}
}

// unknownAnswer counts a row whose call ended in err, which says nothing certain about its
// token. It reports why this one stopped the sweep; empty if it didn't.
func (b *breaker) unknownAnswer(err *providers.Error) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.presented++
	if err.Status == 0 {
		b.silent++
		b.keep++
		limit := cap(b.slots)
		if b.accepted > 0 {
			limit = maxSame
		}
		if b.silent >= limit && b.stopLocked(outcome.Transient, noPause) {
			return fmt.Sprintf("no answer came for the last %d rows", b.silent)
		}
		return ""
	}
	b.heardLocked()
	of := answer{err.Kind, err.Status}
	b.unknown[of]++
	if b.unknown[of] >= maxSame && b.accepted == 0 && b.stopLocked(outcomeOfKind(err.Kind), pauseRetry) {
		return fmt.Sprintf("%d rows, drawn over all that are due, got the same answer and none got a token", maxSame)
	}
	return ""
}

// outcomeOfKind returns the outcome of a row whose call says nothing certain about its
// token.
func outcomeOfKind(kind providers.Kind) outcome.Outcome {
	if kind == providers.MaybeRefused || kind == providers.TurnedAway {
		return outcome.Misconfigured
	}
	return outcome.Transient
}

// mistrusted reports whether refusals are not to be believed: of at least 20 rows more got
// a refusal than tokens.
func (b *breaker) mistrusted(refused int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.presented >= minShare && refused > b.accepted
}

// outnumbered reports whether more rows got a refusal than tokens.
func (b *breaker) outnumbered(refused int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return refused > b.accepted
}
