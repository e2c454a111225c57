package reader

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/oauth2"
)

const (
	// DefaultMinLife is longer than a request takes, and shorter than the 180 s or
	// 20 % of its life that a token has left when its refresh is due.
	DefaultMinLife = 30 * time.Second
	// DefaultGap is longer than it takes to publish a reply that the provider has sent.
	DefaultGap = 2 * time.Second

	// lateAgain is the wait before a token whose refresh is late is read again, with a random
	// addition: long enough for many readers of a function that has stopped.
	lateAgain = 5 * time.Second
	// failedAgain is the same wait if there is no token to hand out.
	failedAgain = time.Second

	// readTimeout ends a read, the SDK's retries included.
	readTimeout = 10 * time.Second
	// patience is how long a caller waits for a read while the held token is still usable.
	patience = time.Second

	// oauth2Early is how long before its Expiry package oauth2 takes a token for expired.
	oauth2Early = 10 * time.Second
)

// Options change how a TokenSource behaves. The zero value suits most services.
type Options struct {
	// MinLife is the life that a token must have left to be handed out: at least the time of the
	// request that needs it. Zero: DefaultMinLife; negative: none.
	MinLife time.Duration
	// Gap is how long Renew goes on reading if the refused token's refresh is due: a provider may
	// revoke the old token before the new one is published. Zero: DefaultGap; negative: it reads
	// once.
	Gap time.Duration
	// OnError is called after each read that failed, even if the held token is still handed out. It
	// must not block. nil: no call.
	OnError func(error)
	// OnRejected is called with the attempt id of a published token that the provider refused: it
	// was revoked before its time. Put the event "Token Rejected" on the bus here (docs/events.md),
	// and the refresh function replaces the token. It is called once for each id in this process,
	// after up to 10 s at random, and not before the token has been known here for 12 s, nor if
	// another is published by then. It may block. nil: no call, and the token is replaced when its
	// refresh is due.
	OnRejected func(attemptID string)
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// TokenSource hands out the token of a Source. It is an oauth2.TokenSource, and safe
// for concurrent use: callers that need a read share one.
//
// It keeps a token until the token's RefreshAt, and hands out none with less than MinLife left. If
// the refresh is late or a read fails, it hands out the old token as long as that has MinLife left,
// and reads again every 5 to 10 s; not after an EndedError. Without a token to hand out, the error
// is kept for 1 to 2 s before the next read.
//
// It does not guarantee that the provider still accepts the token. Hesabe revokes it at the
// refresh, and this source sees the new one with its next read: renew the token after a 401.
type TokenSource struct {
	source Source
	o      Options // with its defaults

	mu      sync.Mutex
	token   Token     // the last one read; zero: none
	since   time.Time // when token was read first
	err     error     // why it is not handed out
	until   time.Time // when to read again; zero: nothing was read yet
	reading *flight   // under way; nil: none
	renewal *renewal  // the last one; nil: none
}

var _ oauth2.TokenSource = (*TokenSource)(nil)

// NewTokenSource makes the source of one token. It reads nothing yet.
func NewTokenSource(source Source, o Options) *TokenSource {
	o.MinLife, o.Gap = max(0, cmp.Or(o.MinLife, DefaultMinLife)), max(0, cmp.Or(o.Gap, DefaultGap))
	if o.OnError == nil {
		o.OnError = func(error) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &TokenSource{source: source, o: o}
}

// Get returns a token that has MinLife left. Its errors are those of the source,
// *ExpiredError, and that of ctx.
func (s *TokenSource) Get(ctx context.Context) (Token, error) {
	t, _, err := s.get(ctx)
	return t, err
}

// Token implements oauth2.TokenSource: TokenContext without a context.
func (s *TokenSource) Token() (*oauth2.Token, error) { return s.TokenContext(context.Background()) }

// TokenContext is Get for package oauth2. The Expiry is not the end of the token's life: it is set
// so that oauth2's caches (ReuseTokenSource, NewClient) ask again when this source reads again.
// They do not ask again after a 401; a Transport does.
func (s *TokenSource) TokenContext(ctx context.Context) (*oauth2.Token, error) {
	t, until, err := s.get(ctx)
	if err != nil {
		return nil, err
	}
	expiry := until.Add(oauth2Early)
	if t.ExpiresAt.Before(expiry) {
		expiry = t.ExpiresAt
	}
	return t.oauth2(expiry), nil
}

// get is Get; it also returns until when the answer may be kept.
func (s *TokenSource) get(ctx context.Context) (Token, time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.until.IsZero() || !s.o.Now().Before(s.until) {
		f := s.read(ctx)
		held := s.lives(s.token, patience)
		s.mu.Unlock()
		err := f.wait(ctx, held)
		s.mu.Lock()
		switch {
		case errors.Is(err, errSlow):
			if s.reading == f {
				s.until = s.again(lateAgain) // so that only one caller waits
			}
		case err != nil:
			return Token{}, time.Time{}, s.wrap(err)
		}
	}
	if s.err != nil {
		return Token{}, time.Time{}, s.err
	}
	return s.token, s.until, nil
}

// lives reports whether t may be handed out now, and for as long as that.
func (s *TokenSource) lives(t Token, long time.Duration) bool {
	now := s.o.Now()
	return t != (Token{}) && now.Before(t.ExpiresAt) && !now.Add(s.o.MinLife+long).After(t.ExpiresAt)
}

// take keeps the result of a read. The caller holds mu.
func (s *TokenSource) take(t Token, err error) {
	_, ended := errors.AsType[*EndedError](err)
	switch {
	case err == nil:
		if t.AttemptID != s.token.AttemptID || s.since.IsZero() {
			s.since = s.o.Now()
		}
		s.token = t
	case ended:
		s.token = Token{}
	}
	switch {
	case s.lives(s.token, 0):
		s.err = nil
		s.until = s.again(lateAgain)
		if err == nil && s.token.RefreshAt.After(s.o.Now()) {
			s.until = s.atMost(s.token.RefreshAt)
		}
	case err != nil:
		s.err, s.until = s.wrap(err), s.again(failedAgain)
	default:
		s.err, s.until = s.wrap(s.expired(t)), s.again(failedAgain)
	}
}

// again is when to read again after a read that found nothing newer.
func (s *TokenSource) again(soon time.Duration) time.Time {
	return s.atMost(s.o.Now().Add(soon + rand.N(soon))) //nolint:gosec // it spreads reads and guards nothing
}

// atMost is t, or the earlier moment from which the token has less than MinLife left.
func (s *TokenSource) atMost(t time.Time) time.Time {
	if end := s.token.ExpiresAt.Add(-s.o.MinLife); s.lives(s.token, 0) && end.Before(t) {
		return end
	}
	return t
}

func (s *TokenSource) expired(t Token) error {
	return &ExpiredError{ExpiresAt: t.ExpiresAt, RefreshAt: t.RefreshAt, Left: t.ExpiresAt.Sub(s.o.Now()), MinLife: s.o.MinLife}
}

func (s *TokenSource) wrap(err error) error {
	return fmt.Errorf("access token of %s: %w", s.source, err)
}

// errSlow: a read takes longer than a caller waits that holds a usable token.
var errSlow = errors.New("the read is slow")

// flight is one read that any number of callers wait for. It outlives their contexts.
type flight struct {
	done chan struct{}
	read bool // it succeeded; set before done is closed
}

// read joins the read under way, or starts one. The caller holds mu.
func (s *TokenSource) read(ctx context.Context) *flight {
	if s.reading != nil {
		return s.reading
	}
	f := &flight{done: make(chan struct{})}
	s.reading = f
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTimeout)
	go func() {
		defer cancel()
		defer close(f.done)
		t, err := s.source.Read(ctx)
		if err == nil {
			t = t.trimmed()
			err = t.check()
		}
		if err != nil {
			s.o.OnError(s.wrap(err))
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.reading = nil
		f.read = err == nil
		s.take(t, err)
	}()
	return f
}

// wait waits until the read is done; if a token is held, no longer than patience.
func (f *flight) wait(ctx context.Context, held bool) error {
	var slow <-chan time.Time
	if held {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		slow = timer.C
	}
	select {
	case <-f.done:
		return nil
	case <-slow:
		return errSlow
	case <-ctx.Done():
		return ctx.Err()
	}
}
