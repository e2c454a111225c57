package embedded

import (
	"context"
	"sync"
)

// gate lets one goroutine of this process at a time open a file. The lock on the
// file would do so too, but waits by trying again; a gate hands over at once.
type gate chan struct{}

var (
	gates   = map[string]gate{}
	gatesMu sync.Mutex
)

// gateOf returns the process's gate of a file, named by its absolute path without
// symbolic links.
func gateOf(path string) gate {
	gatesMu.Lock()
	defer gatesMu.Unlock()
	g, ok := gates[path]
	if !ok {
		g = make(gate, 1)
		gates[path] = g
	}
	return g
}

// enter waits for the gate; a nil error means that leave must follow.
func (g gate) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case g <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g gate) leave() { <-g }
