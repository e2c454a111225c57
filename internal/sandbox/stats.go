package sandbox

import (
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
)

// recentTokens is how many presented refresh tokens Stats lists.
const recentTokens = 32

// Stats is what a provider has seen. Calls count when their request has been read,
// whatever becomes of them.
type Stats struct {
	Logins, Refreshes int
	// Replays counts refreshes with a token that had been exchanged already, where
	// that is not the provider's usual way. It is 0 for a sound client.
	Replays int
	// Repeated counts refreshes with a token that an earlier call had presented,
	// acted upon or not; calls that the provider never saw (Answer) are left out. A
	// sound client of Hesabe and TConnect repeats only after a 429.
	Repeated int
	// MaxInFlight is the most refreshes that were under way at one moment,
	// MaxSameInFlight the most of one refresh token.
	MaxInFlight, MaxSameInFlight int
	// Presented lists the last refresh tokens that came, the latest last.
	Presented []string
	// Connections counts the connections opened, calls on them or not.
	Connections int
}

// recorder keeps Stats.
type recorder struct {
	mu       sync.Mutex
	stats    Stats
	inFlight int
	same     map[string]int // calls in flight by refresh token
	seen     map[string]int // how often each refresh token was presented so far
}

// arrived counts a call and returns its number.
func (r *recorder) arrived(op Op, token string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &r.stats
	if op == Login {
		s.Logins++
		return s.Logins + s.Refreshes
	}
	s.Refreshes++
	r.inFlight++
	s.MaxInFlight = max(s.MaxInFlight, r.inFlight)
	if token == "" {
		return s.Logins + s.Refreshes
	}
	if r.seen == nil {
		r.same, r.seen = map[string]int{}, map[string]int{}
	}
	r.same[token]++
	s.MaxSameInFlight = max(s.MaxSameInFlight, r.same[token])
	if r.seen[token] > 0 {
		s.Repeated++
	}
	r.seen[token]++
	if len(s.Presented) == recentTokens {
		s.Presented = slices.Delete(s.Presented, 0, 1)
	}
	s.Presented = append(s.Presented, token)
	return s.Logins + s.Refreshes
}

func (r *recorder) left(op Op, token string) {
	if op == Login {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inFlight--
	if token == "" {
		return
	}
	if r.same[token]--; r.same[token] == 0 {
		delete(r.same, token)
	}
}

// connection is the server's ConnState.
func (r *recorder) connection(_ net.Conn, state http.ConnState) {
	if state != http.StateNew {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stats.Connections++
}

func (r *recorder) snapshot() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.stats
	s.Presented = slices.Clone(s.Presented)
	return s
}

func (r *recorder) presentations() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.seen)
}
