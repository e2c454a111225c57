package reader

import (
	"context"
	"errors"
	"time"
)

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
			s.onError(s.wrap(err))
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
