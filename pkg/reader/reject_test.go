package reader_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/pkg/reader"
	"tokenrefresh/pkg/secret"
)

// told collects the arguments of OnRejected.
type told struct{ ids chan string }

func (c told) options() reader.Options {
	return reader.Options{OnRejected: func(id string) { c.ids <- id }}
}

func (c told) want(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	for len(c.ids) > 0 {
		got = append(got, <-c.ids)
	}
	assert.Check(t, is.DeepEqual(got, want), "told of")
}

// named is the token of an attempt. The process remembers ids, so each test has its own.
func named(t *testing.T, text string) reader.Token {
	t.Helper()
	token := hesabe(text)
	token.AttemptID = t.Name() + " " + text
	return token
}

func TestRejected(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := told{make(chan string, 10)}
		one, two, three := named(t, "one"), named(t, "two"), named(t, "three")
		s := &store{token: one}
		tokens := reader.NewTokenSource(s, calls.options())
		renew := func(refused reader.Token, want error) {
			t.Helper()
			assert.Check(t, is.ErrorIs(errorOf(tokens.Renew(t.Context(), refused)), want))
		}
		wantToken(t, tokens, "one")
		renew(one, reader.ErrUnchanged)
		time.Sleep(12*time.Second - time.Millisecond) // the function accepts none for a new token
		calls.want(t)
		time.Sleep(time.Millisecond)
		synctest.Wait()
		calls.want(t, one.AttemptID)

		for range 3 { // reported once
			time.Sleep(time.Minute)
			renew(one, reader.ErrUnchanged)
		}
		calls.want(t)

		s.publish(two) // the second read helps
		time.Sleep(time.Minute)
		renew(one, nil)
		time.Sleep(time.Minute)
		calls.want(t)

		s.fail(errReset) // nobody knows whether it would
		renew(two, reader.ErrUnchanged)
		time.Sleep(time.Minute)
		calls.want(t)
		s.publish(two)
		began := time.Now()
		renew(two, reader.ErrUnchanged)
		synctest.Wait()
		for len(calls.ids) == 0 && time.Since(began) < time.Minute {
			time.Sleep(time.Second)
		}
		if waited := time.Since(began); waited > 11*time.Second {
			t.Errorf("told after %s", waited)
		}
		calls.want(t, two.AttemptID)

		s.publish(three) // replaced while it waits
		time.Sleep(time.Minute)
		renew(two, nil)
		renew(three, reader.ErrUnchanged)
		s.publish(named(t, "four"))
		time.Sleep(time.Minute)
		calls.want(t)
	})
}

// Another source of the same token in this process makes no call, nor does a source whose token has
// no attempt, or without OnRejected.
func TestRejectedOncePerProcess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := told{make(chan string, 10)}
		one := named(t, "one")
		nameless := one
		nameless.AttemptID = ""
		for _, token := range []reader.Token{one, one, nameless} {
			tokens := reader.NewTokenSource(&store{token: token}, calls.options())
			assert.Check(t, is.ErrorIs(errorOf(tokens.Renew(t.Context(), token)), reader.ErrUnchanged))
		}
		_, _ = reader.NewTokenSource(&store{token: named(t, "two")}, reader.Options{}).Renew(t.Context(), named(t, "two"))
		time.Sleep(time.Minute)
		calls.want(t, one.AttemptID)
	})
}

// A 401 that another token does not cure says nothing about the first.
func TestRejectedByTransport(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := told{make(chan string, 10)}
		one, two := named(t, "one"), named(t, "two")
		s := &store{token: one}
		tokens := reader.NewTokenSource(s, calls.options())
		tr := transport(t, tokens, &api{takes: "three"}, base)
		get := func() {
			t.Helper()
			resp, err := tr.RoundTrip(request(t, http.MethodGet, base, nil))
			assert.Assert(t, err == nil && resp.StatusCode == http.StatusUnauthorized, "%v, %v", resp, err)
			_ = resp.Body.Close()
		}
		wantToken(t, tokens, "one")
		s.publish(two)
		get()
		time.Sleep(time.Minute)
		calls.want(t)
		get()
		time.Sleep(time.Minute)
		calls.want(t, two.AttemptID)
	})
}

// White space around a token is no part of it; a token with any other character that no header
// carries is refused without being shown.
func TestTokensThatNoHeaderCarries(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{
		"planted": true, "planted\n": true, " planted\r\n": true, "\tplanted": true, "planted\u00a0": true,
		"planted\ntoken": false, "planted\x00token": false, "planted token": false, "plantedé": false, "": false, " \n": false,
	} {
		token := hesabe(text)
		got, err := reader.NewTokenSource(&store{token: token}, reader.Options{}).Get(context.Background())
		if (err == nil) != ok || err != nil && strings.Contains(err.Error(), "planted") {
			t.Errorf("%q: %v", text, err)
		}
		if ok && got.AccessToken != secret.New("planted") {
			t.Errorf("%q: got another", text)
		}
		if shown := fmt.Sprintf("%+v %#v", got, got); strings.Contains(shown, "planted") {
			t.Errorf("%q: %s", text, shown)
		}
	}
}
