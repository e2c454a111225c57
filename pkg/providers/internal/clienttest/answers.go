package clienttest

import (
	"net/http"
	"testing"
	"time"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/secret"
)

// Tokens is what a good answer is, beside the kinds of errors: its refresh token is planted-reply.
const Tokens = providers.Kind(-1)

// Page is what a gateway says.
const Page = `<!DOCTYPE html><html>planted-reply</html>`

// Said is an answer, and what it is to a refresh and to a login.
type Said struct {
	Status         int
	Body           string
	Refresh, Login providers.Kind
}

// Answers lets a host give that answer to a session that open has opened there. Whatever may hold
// tokens is kept.
func (c Client) Answers(t *testing.T, open func(tb testing.TB, base string) providers.Session, said Said) {
	t.Helper()
	host := New(t, Answer{
		Status: said.Status, Body: said.Body,
		Header: map[string]string{"Retry-After": "9", "Date": Now.Add(3 * time.Second).Format(http.TimeFormat)},
	})
	check := func(op string, kind providers.Kind, got providers.Tokens, err error) {
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
		if e.Raw.Reveal() != raw || e.Status != said.Status || !e.Sent.Equal(Now) {
			t.Errorf("%s: raw %q of status %d sent at %s", op, e.Raw.Reveal(), e.Status, e.Sent)
		}
		if (kind == providers.RateLimited) != (e.RetryAfter == 9*time.Second) {
			t.Errorf("%s: retry after %s", op, e.RetryAfter)
		}
	}
	session, calls := open(t, host.URL), 1
	got, err := session.Refresh(t.Context(), secret.New("planted-refresh"))
	check("refresh", said.Refresh, got, err)
	if session.CanLogin() {
		got, err = session.Login(t.Context())
		check("login", said.Login, got, err)
		calls++
	}
	if n := len(host.Calls()); n != calls {
		t.Errorf("%d calls, want %d", n, calls)
	}
}
