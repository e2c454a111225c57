// Package clienttest holds what the tests of every provider's client check.
package clienttest

import (
	"errors"
	"fmt"
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

// Client is a provider's client under test.
type Client struct {
	Name    string
	New     func(client *exchange.Client, environment string) providers.Provider
	Planted []string // no error may show one of these
}

// Open opens credentials whose calls are made at Now.
func (c Client) Open(environment, credentials string) (providers.Session, error) {
	client := exchange.New(exchange.Options{Now: func() time.Time { return Now }})
	return c.New(client, environment).Open(secret.New(credentials))
}

// Session opens credentials that are in order.
func (c Client) Session(tb testing.TB, credentials string) providers.Session {
	tb.Helper()
	session, err := c.Open("sandbox", credentials)
	assert.NilError(tb, err)
	return session
}

// Error returns an error that must be of that kind and operation, and show nothing planted.
func (c Client) Error(tb testing.TB, err error, kind providers.Kind, op string) providers.Error {
	tb.Helper()
	var e *providers.Error
	if !errors.As(err, &e) || e.Kind != kind || e.Provider != c.Name || e.Op != op {
		tb.Fatalf("err = %v, want %s of %s %s", err, kind, c.Name, op)
	}
	text := fmt.Sprintf("%v %+v %#v", err, err, *e)
	for _, value := range c.Planted {
		if strings.Contains(text, value) {
			tb.Errorf("the error shows %q: %s", value, text)
		}
	}
	return *e
}

// Everywhere checks what every client does alike with a session at DeadHost.
func (c Client) Everywhere(t *testing.T, session providers.Session) {
	t.Helper()
	if name := c.New(nil, "").Name(); name != c.Name {
		t.Errorf("Name = %q", name)
	}
	if _, err := c.Open("production", `{"placeholder":""}`); !errors.Is(err, providers.ErrNotSeeded) {
		t.Errorf("placeholder: %v", err)
	}
	shown := "[" + c.Name + " session]"
	text := fmt.Sprintf("%v %+v %#v %s %v", session, session, session, session, []any{session})
	if want := strings.Repeat(shown+" ", 4) + "[" + shown + "]"; text != want {
		t.Errorf("the session prints as %s", text)
	}
	_, err := session.Refresh(t.Context(), secret.New("planted-refresh"))
	if e := c.Error(t, err, providers.NotSent, "refresh"); !strings.Contains(e.Error(), strings.TrimPrefix(DeadHost, "http://")) {
		t.Errorf("the host is not named: %v", &e)
	}
}

// Credentials are a text, and what Open says of it.
type Credentials struct {
	Text, Environment string
	Login             bool
	Problems          []string // none: it opens
}

// Opens opens credentials; the session is nil where they have problems.
func (c Client) Opens(t *testing.T, tc Credentials) providers.Session {
	t.Helper()
	session, err := c.Open(tc.Environment, tc.Text)
	if len(tc.Problems) > 0 {
		e := c.Error(t, err, providers.Misconfigured, "open")
		for _, problem := range tc.Problems {
			if !strings.Contains(e.Error(), problem) {
				t.Errorf("%q is missing in: %v", problem, &e)
			}
		}
		return nil
	}
	if err != nil || session.CanLogin() != tc.Login {
		t.Fatalf("Open: %v", err)
	}
	if _, err := session.Login(t.Context()); !tc.Login && !errors.Is(err, providers.ErrNoLogin) {
		t.Errorf("Login without credentials: %v", err)
	}
	return session
}
