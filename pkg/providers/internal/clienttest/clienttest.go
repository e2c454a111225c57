// Package clienttest holds what the tests of every provider's client check.
package clienttest

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/secret"
)

// Now is the time of all calls.
var Now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// DeadHost is an address that nothing listens at.
const DeadHost = "http://127.0.0.1:1"

// Page is what a gateway says.
const Page = `<!DOCTYPE html><html>planted-reply</html>`

// Client is a provider's client under test.
type Client struct {
	New     func(web *exchange.Client, environment string) providers.Described
	Planted []string // no error may show one of these
}

// Provider is one whose calls are made at Now.
func (c Client) Provider(environment string) providers.Described {
	return c.New(exchange.New(exchange.Options{Now: func() time.Time { return Now }}), environment)
}

// Session opens credentials that are in order.
func (c Client) Session(tb testing.TB, credentials string) providers.Session {
	tb.Helper()
	session, err := c.Provider("sandbox").Open(secret.New(credentials))
	assert.NilError(tb, err)
	return session
}

// Error returns an error that must be of that kind and operation, and show nothing planted.
func (c Client) Error(tb testing.TB, err error, kind providers.Kind, op string) providers.Error {
	tb.Helper()
	var e *providers.Error
	if name := c.Provider("").Name(); !errors.As(err, &e) || e.Kind != kind || e.Provider != name || e.Op != op {
		tb.Fatalf("err = %v, want %s of %s %s", err, kind, name, op)
	}
	text := fmt.Sprintf("%v %+v %#v", err, err, *e)
	for _, value := range c.Planted {
		assert.Check(tb, !strings.Contains(text, value), "the error shows %q: %s", value, text)
	}
	return *e
}

// Credentials are a text, and what Open says of it.
type Credentials = struct {
	Text, Environment string
	Login             bool
	Problems          []string // none: it opens
}

// Opens opens credentials. check, if set, looks at the session of those without problems.
func (c Client) Opens(t *testing.T, cases map[string]Credentials, check func(name string, session providers.Session)) {
	t.Helper()
	for name, tc := range cases {
		session, err := c.Provider(tc.Environment).Open(secret.New(tc.Text))
		if len(tc.Problems) > 0 {
			e := c.Error(t, err, providers.Misconfigured, "open")
			for _, problem := range tc.Problems {
				assert.Check(t, strings.Contains(e.Error(), problem), "%s: %q is missing in: %v", name, problem, &e)
			}
			continue
		}
		if err != nil || session.CanLogin() != tc.Login {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := session.Login(t.Context()); !tc.Login && !errors.Is(err, providers.ErrNoLogin) {
			t.Errorf("%s: Login without credentials: %v", name, err)
		}
		if check != nil {
			check(name, session)
		}
	}
}

// Tokens is what a good answer is, beside the kinds of errors: its refresh token is planted-reply.
const Tokens = providers.Kind(-1)

// Said is an answer, and what it is to a refresh and to a login.
type Said = struct {
	Status         int
	Body           string
	Refresh, Login providers.Kind
}

// Answers lets a host give answers to sessions that open has opened there. Whatever may hold tokens
// is kept.
func (c Client) Answers(t *testing.T, open func(tb testing.TB, base string) providers.Session, cases map[string]Said) {
	t.Helper()
	for name, said := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host := New(t, Answer{
				Status: said.Status, Body: said.Body,
				Header: map[string]string{"Retry-After": "9", "Date": Now.Add(3 * time.Second).Format(http.TimeFormat)},
			})
			session, calls := open(t, host.URL), 1
			got, err := session.Refresh(t.Context(), secret.New("planted-refresh"))
			c.check(t, "refresh", said, said.Refresh, got, err)
			if session.CanLogin() {
				got, err = session.Login(t.Context())
				c.check(t, "login", said, said.Login, got, err)
				calls++
			}
			n := len(host.Calls())
			assert.Check(t, n == calls, "%d calls, want %d", n, calls)
		})
	}
}

func (c Client) check(t *testing.T, op string, said Said, kind providers.Kind, got providers.Tokens, err error) {
	t.Helper()
	if kind == Tokens {
		if err != nil || got.RefreshToken.Reveal() != "planted-reply" || !got.ServerDate.Equal(Now.Add(3*time.Second)) {
			t.Errorf("%s: %+v, %v", op, got, err)
		}
		return
	}
	e := c.Error(t, err, kind, op)
	raw := ""
	if kind == providers.Unknown && said.Status < 300 && said.Status != 204 && said.Body != Page {
		raw = said.Body
	}
	assert.Check(t, e.Raw.Reveal() == raw && e.Status == said.Status && e.Sent.Equal(Now),
		"%s: raw %q of status %d sent at %s", op, e.Raw.Reveal(), e.Status, e.Sent)
	assert.Check(t, (kind == providers.RateLimited) == (e.RetryAfter == 9*time.Second),
		"%s: retry after %s", op, e.RetryAfter)
}

// Reading is a reply with an access token, and what is read from it.
type Reading = struct {
	Body, RefreshToken string
	Access, Refresh    time.Duration // how long its tokens live; 0: the refresh token's end is unknown
	Warning            string        // "": there is none
}

// Reads lets a session read replies.
func (c Client) Reads(t *testing.T, session providers.Session, cases map[string]Reading) {
	t.Helper()
	for name, tc := range cases {
		got, err := session.Decode(secret.New(tc.Body), Now)
		var refresh time.Duration
		if !got.RefreshExpiresAt.IsZero() {
			refresh = got.RefreshExpiresAt.Sub(Now)
		}
		access := got.AccessExpiresAt.Sub(Now)
		assert.Check(t, err == nil && got.TokenType != "" && got.RefreshToken.Reveal() == tc.RefreshToken &&
			access == tc.Access && refresh == tc.Refresh, "%s: %+v, which live for %s and %s, %v", name, got, access, refresh, err)
		warnings := strings.Join(got.Warnings, "; ")
		assert.Check(t, strings.Contains(warnings, tc.Warning) && (tc.Warning == "") == (warnings == ""),
			"%s: warnings %q, want %q", name, warnings, tc.Warning)
	}
}
