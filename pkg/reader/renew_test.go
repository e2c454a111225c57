package reader_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/pkg/reader"
)

// held makes a source that holds the token "one", issued age ago.
func held(t *testing.T, age time.Duration, o reader.Options) (*store, *reader.TokenSource, reader.Token) {
	t.Helper()
	s := &store{token: hesabe("one")}
	time.Sleep(age)
	tokens := reader.NewTokenSource(s, o)
	got, err := tokens.Get(t.Context())
	assert.NilError(t, err)
	s.count()
	return s, tokens, got
}

func TestRenew(t *testing.T) {
	t.Parallel()
	const late = 13 * time.Minute // beyond refresh_at
	for _, c := range []struct {
		name      string
		age       time.Duration
		options   reader.Options
		published time.Duration // how long after the refusal; negative: before it
		want      error
		waits     time.Duration // at most
		reads     int           // at most
	}{
		{name: "published already", age: late, published: -1, reads: 1},
		{name: "published already, long before its time", age: time.Minute, published: -1, reads: 1},
		{name: "about to be published", age: late, published: 300 * time.Millisecond, waits: 900 * time.Millisecond, reads: 5},
		{name: "just within the gap", age: late, published: 1999 * time.Millisecond, waits: 2 * time.Second, reads: 8},
		{name: "never", age: late, published: time.Hour, want: reader.ErrUnchanged, waits: 2 * time.Second, reads: 8},
		{name: "clocks differ", age: 12*time.Minute - 10*time.Second, published: time.Second, waits: 2 * time.Second, reads: 8},
		{name: "not due", age: 11 * time.Minute, published: time.Second, want: reader.ErrUnchanged, reads: 1},
		{
			name: "another gap", age: 12 * time.Minute, options: reader.Options{Gap: 10 * time.Second}, published: 9 * time.Second,
			waits: 10 * time.Second, reads: 12,
		},
		{name: "no gap", age: late, options: reader.Options{Gap: -1}, published: 1, want: reader.ErrUnchanged, reads: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, tokens, one := held(t, c.age, c.options)
				began := time.Now()
				if c.published < 0 {
					s.publish(hesabe("two"))
				} else {
					time.AfterFunc(c.published, func() { s.publish(hesabe("two")) })
				}
				got, err := tokens.Renew(t.Context(), one)
				if !errors.Is(err, c.want) || err == nil && got.AccessToken.Reveal() != "two" {
					t.Errorf("%q, %v", got.AccessToken.Reveal(), err)
				}
				if waited := time.Since(began); waited > c.waits || waited < min(c.published, c.waits) {
					t.Errorf("waited %s", waited)
				}
				wantReads(t, s, 1, c.reads)
			})
		})
	}
}

// A provider may answer 401 for a reason that no token cures: the service must neither hammer the
// store nor wait with each request.
func TestRefusalThatStays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, tokens, one := held(t, 13*time.Minute, reader.Options{MinLife: time.Second})
		var requests sync.WaitGroup
		began := time.Now()
		for range 50 {
			requests.Go(func() {
				for range 10 {
					assert.Check(t, is.ErrorIs(errorOf(tokens.Renew(t.Context(), one)), reader.ErrUnchanged))
				}
			})
		}
		requests.Wait()
		assert.Check(t, is.Equal(time.Since(began), 2*time.Second))
		wantReads(t, s, 2, 8)
		wantToken(t, tokens, "one") // the store says so

		time.Sleep(10 * time.Second)
		s.publish(hesabe("two"))
		wantRenewed(t, tokens, one, "two")
	})
}

// A long request is refused with a token that others have renewed meanwhile.
func TestRefusalOfAnOldToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, tokens, one := held(t, 13*time.Minute, reader.Options{})
		s.publish(hesabe("two"))
		for range 3 {
			wantRenewed(t, tokens, one, "two")
		}
		wantReads(t, s, 1, 1)
	})
}

// A read that began before the refusal may miss what was published after it.
func TestRenewReadsAfterTheRefusal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, tokens, one := held(t, 11*time.Minute, reader.Options{MinLife: time.Second})
		s.slow(500 * time.Millisecond)
		time.Sleep(time.Minute) // due
		go func() { _, _ = tokens.Get(context.Background()) }()
		synctest.Wait() // it reads
		s.publish(hesabe("two"))
		one.RefreshAt = time.Now().Add(time.Hour) // not due: only one read of its own
		wantRenewed(t, tokens, one, "two")
		wantReads(t, s, 2, 2)
	})
}

func TestRenewFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, tokens, one := held(t, 13*time.Minute, reader.Options{})

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		assert.Check(t, is.ErrorIs(errorOf(tokens.Renew(ctx, one)), context.DeadlineExceeded))
		time.Sleep(12 * time.Second)

		s.fail(errReset) // the held token stands, and is the refused one
		assert.Check(t, is.ErrorIs(errorOf(tokens.Renew(t.Context(), one)), reader.ErrUnchanged))
		time.Sleep(12 * time.Second)

		s.fail(&reader.EndedError{Status: "deleted"})
		wantEnded(t, errorOf(tokens.Renew(t.Context(), one)), "deleted")
	})
}
