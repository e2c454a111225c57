package reader_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/pkg/reader"
	"tokenrefresh/pkg/secret"
)

func TestKeptUntilItsRefreshIsDue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &store{token: hesabe("one")}
		tokens := reader.NewTokenSource(s, reader.Options{})
		for range 720 { // each second to refresh_at
			wantToken(t, tokens, "one")
			time.Sleep(time.Second)
		}
		wantReads(t, s, 1, 1)
		s.publish(hesabe("two"))
		wantToken(t, tokens, "two")
		wantToken(t, tokens, "two")
		wantReads(t, s, 1, 1)
	})
}

// When the function has stopped, its readers must not read all the time.
func TestLateRefresh(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &store{token: hesabe("one")}
		tokens := reader.NewTokenSource(s, reader.Options{MinLife: time.Minute})
		time.Sleep(12 * time.Minute)
		for range 1200 { // to the last moment with a minute left
			wantToken(t, tokens, "one")
			time.Sleep(100 * time.Millisecond)
		}
		wantReads(t, s, 120/10, 120/5+1)

		time.Sleep(time.Millisecond)
		for range 100 {
			_, err := tokens.Get(t.Context())
			expired, ok := errors.AsType[*reader.ExpiredError](err)
			if !ok || expired.MinLife != time.Minute || expired.Left > time.Minute || !expired.ExpiresAt.After(time.Now()) {
				t.Fatalf("error %v", err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		wantReads(t, s, 10/2, 10/1+1)

		s.publish(hesabe("two"))
		time.Sleep(2 * time.Second)
		wantToken(t, tokens, "two")
	})
}

func TestMinimumLife(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		minLife time.Duration
		left    time.Duration
		want    bool
	}{
		{"default", 0, reader.DefaultMinLife, true},
		{"default, less left", 0, reader.DefaultMinLife - 1, false},
		{"asked for", 5 * time.Minute, 5 * time.Minute, true},
		{"asked for, less left", 5 * time.Minute, 5*time.Minute - 1, false},
		{"none", -1, 1, true},
		{"none, over", -1, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			now := time.Date(2026, 11, 21, 22, 0, 0, 0, time.UTC)
			s := &store{token: reader.Token{AccessToken: secret.New("one"), ExpiresAt: now.Add(c.left), RefreshAt: now.Add(time.Hour)}}
			_, err := reader.NewTokenSource(s, reader.Options{MinLife: c.minLife, Now: func() time.Time { return now }}).Get(t.Context())
			if _, expired := errors.AsType[*reader.ExpiredError](err); expired == c.want || (err == nil) != c.want {
				t.Errorf("error %v", err)
			}
		})
	}
}

// A token is not kept beyond its minimum life, whatever its refresh_at.
func TestMinimumLifeBoundsTheCache(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &store{token: hesabe("one")}
		tokens := reader.NewTokenSource(s, reader.Options{MinLife: 5 * time.Minute})
		wantToken(t, tokens, "one")
		s.publish(hesabe("two"))
		time.Sleep(10*time.Minute - 1)
		wantToken(t, tokens, "one")
		time.Sleep(time.Nanosecond) // it would be handed out, but not kept any longer
		wantToken(t, tokens, "two")
	})
}

func TestOneReadForManyWaiters(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &store{token: hesabe("one"), takes: time.Second}
		tokens := reader.NewTokenSource(s, reader.Options{})
		impatient, cancel := context.WithCancel(t.Context())
		var waiters sync.WaitGroup
		waiters.Go(func() { // it starts the read, and does not wait for it
			assert.Check(t, is.ErrorIs(errorOf(tokens.Get(impatient)), context.Canceled))
		})
		synctest.Wait()
		for range 100 {
			waiters.Go(func() { wantToken(t, tokens, "one") })
		}
		synctest.Wait()
		cancel()
		waiters.Wait()
		wantReads(t, s, 1, 1)
	})
}

func TestFailedReads(t *testing.T) {
	t.Parallel()
	for _, err := range []error{errReset, reader.ErrDenied, reader.ErrNotPublished, reader.ErrNotFound, reader.ErrMalformed} {
		t.Run(err.Error(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &store{err: err}
				var told atomic.Int32
				tokens := reader.NewTokenSource(s, reader.Options{OnError: func(got error) {
					told.Add(1)
					assert.Check(t, errors.Is(got, err), "told of %v", got)
				}})
				for range 5 { // within the second that the error stands for
					assert.Check(t, is.ErrorIs(errorOf(tokens.Get(t.Context())), err))
				}
				wantReads(t, s, 1, 1)
				time.Sleep(2 * time.Second)
				s.publish(hesabe("one"))
				wantToken(t, tokens, "one")

				s.fail(err)
				time.Sleep(13 * time.Minute)
				for range 100 { // as long as the token has life
					wantToken(t, tokens, "one")
					time.Sleep(700 * time.Millisecond)
				}
				wantReads(t, s, 8, 16)
				assert.Check(t, told.Load() >= 9, "told %d times", told.Load())
				time.Sleep(time.Minute)
				assert.Check(t, is.ErrorIs(errorOf(tokens.Get(t.Context())), err))
			})
		})
	}
}

// An ended transaction gives no token, although the token has life left.
func TestEndedTransaction(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &store{token: hesabe("one")}
		tokens := reader.NewTokenSource(s, reader.Options{})
		wantToken(t, tokens, "one")
		s.fail(&reader.EndedError{Status: "completed"})
		time.Sleep(12 * time.Minute)
		wantEnded(t, errorOf(tokens.Get(t.Context())), "completed")
		s.fail(errReset) // nor does a failure bring it back
		time.Sleep(2 * time.Second)
		if got, err := tokens.Get(t.Context()); !errors.Is(err, errReset) {
			t.Errorf("%v, %v", got, err)
		}
	})
}

// A store that hangs does not delay callers that have a token, nor block others for ever.
func TestSlowStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &store{token: hesabe("one"), takes: time.Hour}
		tokens := reader.NewTokenSource(s, reader.Options{})
		began := time.Now()
		if _, err := tokens.Get(t.Context()); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 10*time.Second {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
		s.slow(0)
		time.Sleep(2 * time.Second)
		wantToken(t, tokens, "one")

		s.slow(time.Hour)
		time.Sleep(12 * time.Minute)
		began = time.Now()
		var waiters sync.WaitGroup
		for range 10 {
			waiters.Go(func() { wantToken(t, tokens, "one") })
		}
		waiters.Wait()
		assert.Check(t, is.Equal(time.Since(began), time.Second))
		began = time.Now()
		wantToken(t, tokens, "one")
		assert.Check(t, time.Since(began) == 0, "it waits although others just have")
		time.Sleep(10 * time.Second) // the read gives up
	})
}

// The caches of package oauth2, which use the Expiry alone, must not keep a token longer than this
// source.
func TestCachesOfOAuth2(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &store{token: hesabe("one")}
		source := oauth2.ReuseTokenSource(nil, reader.NewTokenSource(s, reader.Options{}))
		want := func(want string) {
			t.Helper()
			got, err := source.Token()
			assert.Check(t, err == nil && got.AccessToken == want && got.Valid() && got.Type() == "Bearer",
				"token %+v, %v; want %q", got, err, want)
		}
		want("one")
		time.Sleep(12*time.Minute - 1)
		want("one")
		wantReads(t, s, 1, 1)
		time.Sleep(2 * time.Nanosecond)
		want("one") // late
		s.publish(hesabe("two"))
		time.Sleep(10 * time.Second)
		want("two")
		wantReads(t, s, 2, 2)
	})
}

func TestExpiryIsNeverBeyondTheTokensLife(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		published := hesabe("one")
		published.RefreshAt = published.ExpiresAt
		tokens := reader.NewTokenSource(&store{token: published}, reader.Options{MinLife: time.Second})
		got, err := tokens.TokenContext(t.Context())
		assert.Check(t, err == nil && got.Expiry.Equal(published.ExpiresAt), "%v, %v", got.Expiry, err)
	})
}

// A source of another package is trusted no more than ours.
func TestWhatIsNoToken(t *testing.T) {
	t.Parallel()
	late := time.Now().Add(time.Hour)
	for _, c := range []struct {
		name  string
		token reader.Token
		want  error
	}{
		{"nothing", reader.Token{ExpiresAt: late}, reader.ErrNotPublished},
		{"blank", reader.Token{AccessToken: secret.New(" \n"), ExpiresAt: late}, reader.ErrNotPublished},
		{"no end", reader.Token{AccessToken: secret.New("one")}, reader.ErrMalformed},
		{"line break", reader.Token{AccessToken: secret.New("one\r\nHost: x"), ExpiresAt: late}, reader.ErrMalformed},
		{"type with line break", reader.Token{AccessToken: secret.New("one"), Type: "B\nC", ExpiresAt: late}, reader.ErrMalformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			assert.Check(t, is.ErrorIs(errorOf(reader.NewTokenSource(&store{token: c.token}, reader.Options{}).Get(t.Context())), c.want))
		})
	}
}

func TestExpiredErrorSaysWhatToDo(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 22, 15, 0, 0, time.UTC)
	for _, c := range []struct {
		err  reader.ExpiredError
		want string
	}{
		{
			reader.ExpiredError{ExpiresAt: now, RefreshAt: now.Add(-3 * time.Minute), Left: -time.Second, MinLife: time.Minute},
			"the access token has expired at 2026-11-21T22:15:00Z: its refresh is late; " +
				"the alarms and the last log lines of the refresh function say why",
		},
		{
			reader.ExpiredError{ExpiresAt: now, RefreshAt: now.Add(-3 * time.Minute), Left: 12 * time.Second, MinLife: time.Minute},
			"the access token has 12s left, until 2026-11-21T22:15:00Z, and 1m0s were asked for: its refresh is late; " +
				"the alarms and the last log lines of the refresh function say why",
		},
		{
			reader.ExpiredError{ExpiresAt: now, RefreshAt: now.Add(-3 * time.Minute), Left: 10 * time.Minute, MinLife: time.Hour},
			"the access token has 10m0s left, until 2026-11-21T22:15:00Z, and 1h0m0s were asked for; " +
				"the next one is not due before 2026-11-21T22:12:00Z: ask for less",
		},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("%s\nwant %s", got, c.want)
		}
	}
}

func TestTokenIsMasked(t *testing.T) {
	t.Parallel()
	token := hesabe("planted-secret")
	token.ClientToken = secret.New("planted-secret")
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if shown := fmt.Sprintf(format, token); len(shown) == 0 || strings.Contains(shown, "planted-secret") {
			t.Errorf("%s shows %s", format, shown)
		}
	}
}
