package reader

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	// rejectSpread spreads the calls of many readers whose token was revoked. The first call leads
	// to a new token; the others read that, and make no call.
	rejectSpread = 10 * time.Second
	// rejectAge is how long a token must have been known: the function accepts no rejection of a
	// token that it published less than 10 s ago.
	rejectAge = 12 * time.Second
)

// rejected holds the attempts that OnRejected was called for in this process.
var rejected sync.Map // of rejection

type rejection struct{ source, attemptID string }

// reject calls OnRejected later, once for each attempt. The caller holds mu.
func (s *TokenSource) reject(attemptID string) {
	if s.onRejected == nil || attemptID == "" {
		return
	}
	if _, known := rejected.LoadOrStore(rejection{s.source.String(), attemptID}, nil); known {
		return
	}
	wait := max(rand.N(rejectSpread), s.since.Add(rejectAge).Sub(s.now())) //nolint:gosec // it spreads calls and guards nothing
	time.AfterFunc(wait, func() {
		s.mu.Lock()
		f := s.read(context.Background())
		s.mu.Unlock()
		<-f.done

		s.mu.Lock()
		still := s.token.AttemptID == attemptID
		s.mu.Unlock()
		if still {
			s.onRejected(attemptID)
		}
	})
}
