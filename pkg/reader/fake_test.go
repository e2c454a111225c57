package reader_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/reader"
	"tokenrefresh/pkg/secret"
)

var errReset = errors.New("connection reset")

// store is a source whose content a test changes.
type store struct {
	mu    sync.Mutex
	token reader.Token
	err   error
	takes time.Duration // how long a read takes
	reads int
}

func (s *store) String() string { return "store" }

func (s *store) Read(ctx context.Context) (reader.Token, error) {
	s.mu.Lock()
	s.reads++
	t, err, takes := s.token, s.err, s.takes
	s.mu.Unlock()
	if takes > 0 {
		select {
		case <-time.After(takes):
		case <-ctx.Done():
			return reader.Token{}, ctx.Err()
		}
	}
	return t, err
}

func (s *store) publish(t reader.Token) { s.set(t, nil) }

func (s *store) fail(err error) { s.set(reader.Token{}, err) }

func (s *store) set(t reader.Token, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token, s.err = t, err
}

func (s *store) slow(takes time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.takes = takes
}

// count returns the reads since its last call.
func (s *store) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.reads
	s.reads = 0
	return n
}

// hesabe is a token like Hesabe's: it lives 15 minutes, and is refreshed 3 minutes before its end.
func hesabe(text string) reader.Token {
	now := time.Now()
	return reader.Token{
		AccessToken: secret.New(text), Type: "Bearer",
		ExpiresAt: now.Add(15 * time.Minute), RefreshAt: now.Add(12 * time.Minute),
	}
}

// errorOf is the error of a call that also returns a value.
func errorOf[T any](_ T, err error) error { return err }

// wantRenewed renews a refused token, and checks the text of the other.
func wantRenewed(t *testing.T, s *reader.TokenSource, refused reader.Token, want string) {
	t.Helper()
	got, err := s.Renew(t.Context(), refused)
	assert.Check(t, err == nil && got.AccessToken.Reveal() == want, "%v, %v; want %q", got, err, want)
}

// wantEnded checks that an error is of a transaction that has ended like this.
func wantEnded(t *testing.T, err error, status string) {
	t.Helper()
	ended, ok := errors.AsType[*reader.EndedError](err)
	assert.Check(t, ok && ended.Status == status, "error %v", err)
}

// wantToken gets a token and checks its text.
func wantToken(t *testing.T, s *reader.TokenSource, want string) {
	t.Helper()
	got, err := s.Get(t.Context())
	assert.Check(t, err == nil && got.AccessToken.Reveal() == want,
		"token %q, %v; want %q", got.AccessToken.Reveal(), err, want)
}

// wantReads checks how often the store was read since the last time.
func wantReads(t *testing.T, s *store, least, most int) {
	t.Helper()
	if n := s.count(); n < least || n > most {
		t.Errorf("%d reads, want %d to %d", n, least, most)
	}
}
