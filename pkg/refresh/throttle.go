package refresh

import (
	"context"
	"errors"
	"sync"
	"time"

	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/store"
)

const (
	// writesEach is how often an attempt writes to the secrets.
	writesEach = 4
	// easing is how many writes a second a run adds in each second without a throttled one.
	easing = 1.0
	// slowing is the factor of the speed after a throttled write, once in slowedFor: further
	// throttled writes in that time add no information.
	slowing   = 0.7
	slowedFor = 500 * time.Millisecond
	// slowest and unset are writes a second: the minimum, and the first limit if Engine.WriteRate
	// is 0.
	slowest = 2.0
	unset   = 40.0
	// backlog is how long writes may wait while another attempt begins.
	backlog = 200 * time.Millisecond
)

// throttle spaces out the writes of a run to the secrets, and the starts of its attempts. A
// throttled write slows all of them down, and time speeds them up again: so runs share a quota
// without knowing of each other. It is safe for concurrent use.
type throttle struct {
	mu     sync.Mutex
	rate   float64   // writes a second; 0: no limit
	write  time.Time // when the next may be made
	begin  time.Time // when the next attempt may begin
	eased  time.Time // until when time has counted
	slowed time.Time // when a write last slowed it
}

// wait is how long the next attempt must wait. Without a wait it counts as begun.
func (t *throttle) wait(now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rate == 0 {
		return 0
	}
	if !t.eased.IsZero() {
		t.rate += easing * now.Sub(t.eased).Seconds()
	}
	t.eased = now
	wait := later(t.begin, t.write.Add(-backlog)).Sub(now)
	if wait <= 0 {
		t.begin = now.Add(writesEach * t.space())
	}
	return wait
}

// unused returns the turn of an attempt that had nothing to write.
func (t *throttle) unused() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.begin = t.begin.Add(-writesEach * t.space())
}

// space is the time between two writes.
func (t *throttle) space() time.Duration {
	if t.rate == 0 {
		return 0
	}
	return time.Duration(float64(time.Second) / t.rate)
}

// turn waits until a write may be made. Writes are made in the order of their calls.
func (t *throttle) turn(ctx context.Context) error {
	now := time.Now()
	t.mu.Lock()
	at := later(t.write, now)
	t.write = at.Add(t.space())
	t.mu.Unlock()
	if at.After(now) && !pace.Sleep(ctx, at.Sub(now)) {
		return ctx.Err()
	}
	return nil
}

// observe records the result of a write.
func (t *throttle) observe(err error) error {
	if !errors.Is(err, store.ErrThrottled) {
		return err
	}
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case now.Sub(t.slowed) < slowedFor:
		return err
	case t.rate == 0:
		t.rate, t.eased = unset, now
	default:
		t.rate = max(slowest, slowing*t.rate)
	}
	t.slowed = now
	return err
}

// throttledSecrets are secrets whose writes go through a throttle.
type throttledSecrets struct {
	store.Secrets
	throttle *throttle
}

// Name implements store.Namer.
func (s throttledSecrets) Name(key store.Key, doc store.Document) string {
	return store.NameOf(s.Secrets, key, doc)
}

// Stage implements store.Secrets.
func (s throttledSecrets) Stage(ctx context.Context, key store.Key, doc store.Document, v store.Version) (bool, error) {
	if err := s.throttle.turn(ctx); err != nil {
		return false, err
	}
	current, err := s.Secrets.Stage(ctx, key, doc, v)
	return current, s.throttle.observe(err)
}

// Promote implements store.Secrets.
func (s throttledSecrets) Promote(ctx context.Context, key store.Key, doc store.Document, from, to string) error {
	if err := s.throttle.turn(ctx); err != nil {
		return err
	}
	return s.throttle.observe(s.Secrets.Promote(ctx, key, doc, from, to))
}
