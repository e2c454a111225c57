package sandbox

import (
	"context"
	"sync"
)

// Gate stops calls (Hold) until it is released, and tells how many have come. It is
// for tests that must act while a call is under way.
type Gate struct {
	open chan struct{}
	once sync.Once

	mu      sync.Mutex
	arrived int
	changed chan struct{} // closed and replaced at each arrival
}

// NewGate makes a closed gate.
func NewGate() *Gate {
	return &Gate{open: make(chan struct{}), changed: make(chan struct{})}
}

// Await returns when n calls have come to the gate, or with ctx's error.
func (g *Gate) Await(ctx context.Context, n int) error {
	for {
		g.mu.Lock()
		arrived, changed := g.arrived, g.changed
		g.mu.Unlock()
		if arrived >= n {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Release lets all calls pass, now and later.
func (g *Gate) Release() { g.once.Do(func() { close(g.open) }) }

func (g *Gate) pass(ctx context.Context) bool {
	g.mu.Lock()
	g.arrived++
	close(g.changed)
	g.changed = make(chan struct{})
	g.mu.Unlock()
	select {
	case <-g.open:
		return true
	case <-ctx.Done():
		return false
	}
}
