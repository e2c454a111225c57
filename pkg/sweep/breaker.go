package sweep

import (
	"context"
	"fmt"
	"sync"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/store"
)

const (
	// maxStoreFailures is how many rows in a row a store may fail on before the sweep stops.
	maxStoreFailures = 5
	// maxSame is how many rows, drawn over all that are due, may get the same unknown answer before
	// the sweep stops, if none gets tokens.
	maxSame = 20
	// firstCalls is how many calls run at once until one was answered: providers lock
	// accounts after five to ten calls with a wrong secret.
	firstCalls = 4
)

// pauseKind is what an account waits for after a stop.
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
	why           string // of a stop for unknown answers
	pause         pauseKind
	notBefore     time.Time // the end of the provider's rate limit; zero: there is none
	storeFailures int
	unknown       map[answer]int // rows since the last that got tokens
	silent        int            // rows that got no answer and have not ended yet: they keep their slots
	drawn         bool           // rows come in the order of spread, and none has got tokens since
	redraw        bool           // whether rows are to be drawn anew
	accepted      int            // rows that got tokens
	refused       []refusal      // rows whose token was refused
	presented     int            // rows whose token was presented
}

// answer identifies an unknown answer. The zero value: none came.
type answer struct {
	kind   providers.Kind
	status int
}

// prepare sets how many calls run at once until one was answered.
func (b *breaker) prepare(calls int) {
	b.halted = make(chan struct{})
	b.draw(calls)
}

// draw begins with rows that were drawn over all that are due. No call may be under way.
func (b *breaker) draw(calls int) {
	b.slots, b.answered = make(chan struct{}, calls), make(chan struct{})
	b.unknown = map[answer]int{}
	b.drawn, b.redraw = true, false
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
	if b.silent > 0 {
		b.silent--
		return
	}
	select {
	case <-b.slots:
	default: // it began after the first answer
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

// storeFailed counts a row on which a store failed. It reports whether this one stopped the sweep.
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
	b.drawn, b.redraw = false, false
	clear(b.unknown)
	b.openLocked()
}

// refuse counts a row whose refresh token the provider calls invalid.
func (b *breaker) refuse(t store.Transaction, cause error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.presented++
	b.refused = append(b.refused, refusal{t, cause})
	b.openLocked()
}

func (b *breaker) openLocked() {
	select {
	case <-b.answered:
	default:
		close(b.answered)
	}
}

// answerOf identifies an answer. All calls without an answer count as the same.
func answerOf(err *providers.Error) answer {
	if err.Status == 0 {
		return answer{}
	}
	return answer{err.Kind, err.Status}
}

// silence reports whether no answer came.
func (a answer) silence() bool { return a == answer{} }

// firstFailure counts a row whose first try says nothing certain about its token. It reports
// whether a further try may help: not if others fail in the same way.
func (b *breaker) firstFailure(err *providers.Error) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	of := answerOf(err)
	b.unknown[of]++
	if b.unknown[of] > 1 { // else the row's further tries decide
		b.judgeLocked(of)
	}
	return b.reason == "" && !b.redraw && b.unknown[of] < firstCalls
}

// gaveUp ends a row that no try has brought tokens. It returns, once, why unknown answers have
// stopped the sweep; empty: they have not.
func (b *breaker) gaveUp(err *providers.Error) (why string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.presented++
	of := answerOf(err)
	if of.silence() {
		b.silent++
	}
	b.judgeLocked(of)
	why, b.why = b.why, ""
	return why
}

// judgeLocked stops the sweep if enough rows have got the same answer and were drawn over all;
// otherwise it asks for a new draw.
func (b *breaker) judgeLocked(of answer) {
	limit := maxSame
	if of.silence() && b.drawn {
		limit = cap(b.slots)
	}
	switch {
	case b.unknown[of] < limit || b.reason != "":
	case !b.drawn:
		b.redraw = true
	case of.silence():
		b.stopLocked(outcome.Transient, noPause)
		b.why = fmt.Sprintf("no answer came for %d rows", limit)
	default:
		b.stopLocked(outcomeOfKind(of.kind), pauseRetry)
		b.why = fmt.Sprintf("%d rows, drawn over all that are due, got the same answer and none got a token", limit)
	}
}

// mayBegin returns errStopped or errRedraw if no further call may begin.
func (b *breaker) mayBegin() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.reason != "":
		return errStopped
	case b.redraw:
		return errRedraw
	}
	return nil
}

// outcomeOfKind returns the outcome of a row whose call says nothing certain about its
// token.
func outcomeOfKind(kind providers.Kind) outcome.Outcome {
	if answered(kind) {
		return outcome.Misconfigured
	}
	return outcome.Transient
}
