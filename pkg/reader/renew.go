package reader

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"tokenrefresh/pkg/secret"
)

const (
	// gapAgain is the first wait between two reads of a renewal, give or take a half; it
	// doubles.
	gapAgain = 100 * time.Millisecond
	// clockSlack is how far the clocks of the reader and of the refresh function may
	// differ for a refresh to be taken as due.
	clockSlack = 10 * time.Second
	// rejectSpread spreads the calls of many readers whose token was revoked. The first call leads
	// to a new token; the others read that, and make no call.
	rejectSpread = 10 * time.Second
	// rejectAge is how long a token must have been known: the function accepts no rejection of a
	// token that it published less than 10 s ago.
	rejectAge = 12 * time.Second
)

// renewal looks for the successor of a token that the provider has refused. All callers whose
// requests were refused with that token share one renewal.
type renewal struct {
	refused secret.String
	done    chan struct{}
	until   time.Time // how long its answer is kept; set before done is closed
}

// Renew returns another token than refused, which the provider has answered with a 401, or
// ErrUnchanged. It reads what is published. If the token's refresh is due, it reads for up to
// Options.Gap, because the new one may be published at any moment. ErrUnchanged is kept for 5 to 10
// s, because a provider has other reasons for a 401.
//
// Its other errors are those of Get.
func (s *TokenSource) Renew(ctx context.Context, refused Token) (Token, error) {
	if r := s.renew(ctx, refused); r != nil {
		select {
		case <-r.done:
		case <-ctx.Done():
			return Token{}, s.wrap(ctx.Err())
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.err != nil:
		return Token{}, s.err
	case s.token.AccessToken == refused.AccessToken || !s.lives(s.token, 0):
		return Token{}, s.wrap(ErrUnchanged)
	}
	return s.token, nil
}

// renew joins the renewal of that token, or starts one; nil if it was replaced since.
func (s *TokenSource) renew(ctx context.Context, refused Token) *renewal {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token.AccessToken != refused.AccessToken && s.err == nil && s.lives(s.token, 0) {
		return nil
	}
	if r := s.renewal; r != nil && r.refused == refused.AccessToken && (r.until.IsZero() || s.o.Now().Before(r.until)) {
		return r
	}
	r := &renewal{refused: refused.AccessToken, done: make(chan struct{})}
	s.renewal = r
	var gap time.Duration
	if !s.o.Now().Add(clockSlack).Before(refused.RefreshAt) {
		gap = s.o.Gap
	}
	go s.look(context.WithoutCancel(ctx), r, gap)
	return r
}

// look reads until another token is published or gap has passed.
func (s *TokenSource) look(ctx context.Context, r *renewal, gap time.Duration) {
	defer close(r.done)
	start, wait := time.Now(), gapAgain
	for {
		s.mu.Lock()
		joined := s.reading != nil // it may have begun before the refusal
		f := s.read(ctx)
		s.mu.Unlock()
		<-f.done

		s.mu.Lock()
		left := gap - time.Since(start)
		over := s.token.AccessToken != r.refused || !joined && left <= 0
		if over && f.read && s.token.AccessToken == r.refused {
			s.reject(s.token.AttemptID) //nolint:contextcheck // it outlives this renewal
		}
		if over {
			r.until = s.o.Now().Add(lateAgain + rand.N(lateAgain)) //nolint:gosec // it spreads reads and guards nothing
		}
		s.mu.Unlock()
		if over {
			return
		}
		if !joined {
			time.Sleep(min(left, wait/2+rand.N(wait))) //nolint:gosec // as above
			wait *= 2
		}
	}
}

// rejected holds the attempts that OnRejected was called for in this process.
var rejected sync.Map // of rejection

type rejection struct{ source, attemptID string }

// reject calls OnRejected later, once for each attempt. The caller holds mu.
func (s *TokenSource) reject(attemptID string) {
	if s.o.OnRejected == nil || attemptID == "" {
		return
	}
	if _, known := rejected.LoadOrStore(rejection{s.source.String(), attemptID}, nil); known {
		return
	}
	wait := max(rand.N(rejectSpread), s.since.Add(rejectAge).Sub(s.o.Now())) //nolint:gosec // it spreads calls and guards nothing
	time.AfterFunc(wait, func() {
		s.mu.Lock()
		f := s.read(context.Background())
		s.mu.Unlock()
		<-f.done

		s.mu.Lock()
		still := s.token.AttemptID == attemptID
		s.mu.Unlock()
		if still {
			s.o.OnRejected(attemptID)
		}
	})
}
