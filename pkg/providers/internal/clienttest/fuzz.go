package clienttest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/plant"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/providers/reply"
	"tokenrefresh/pkg/secret"
)

const (
	longestAccess  = 30 * 24 * time.Hour
	longestRefresh = 1e9 * time.Second // the longest that counts as a lifetime
)

// FuzzRead fuzzes how a session reads answers: those of refreshes and logins, with any status, whole
// and cut. rotates: each refresh brings a new refresh token.
func (c Client) FuzzRead(f *testing.F, session providers.Session, rotates bool, bodies ...string) {
	f.Helper()
	for _, body := range append(bodies, "404 page not found", `{"message":"Unauthenticated."}`, `{"error":"invalid_grant"}`) {
		f.Add(uint16(200), false, false, body)
		f.Add(uint16(201), true, true, body)
		f.Add(uint16(200), false, false, strings.NewReplacer(`"refresh_token"`, `"refreshToken"`).Replace(body))
	}
	for i, status := range []uint16{
		101, 204, 299, 301, 303, 304, 307, 400, 401, 402, 403, 404, 405, 407, 408, 409, 410, 421, 422, 423, 425, 429, 451, 500, 503,
	} {
		f.Add(status, false, false, bodies[i%len(bodies)])
		f.Add(status, true, i%2 == 0, bodies[(i+1)%len(bodies)])
	}
	reader, _ := session.(interface {
		Read(answer exchange.Reply) (providers.Tokens, error)
	})
	f.Fuzz(func(t *testing.T, status uint16, login, cut bool, body string) {
		answer := exchange.Reply{
			Provider: c.Provider("").Name(), Op: "refresh", Status: 100 + int(status)%900, Sent: Now, Date: Now.Add(time.Second),
			RetryAfter: time.Minute,
		}
		if status >= 100 && status < 1000 {
			answer.Status = int(status)
		}
		if login && rotates {
			answer.Op = "login"
		}
		if cut {
			answer.Cut = answer.Fail(providers.Unknown, "cut")
		}
		for _, text := range []string{body, plant.Values(body)} {
			answer.Body = secret.New(text)
			got, err := reader.Read(answer)
			if err != nil {
				checkError(t, answer, rotates, err)
			} else {
				checkTokens(t, answer, rotates, got)
			}
		}
	})
}

// checkTokens: no token lives for ever, and no warning quotes the answer.
func checkTokens(t *testing.T, answer exchange.Reply, rotates bool, got providers.Tokens) {
	t.Helper()
	access, refresh := got.AccessExpiresAt.Sub(answer.Sent), got.RefreshExpiresAt.Sub(answer.Sent)
	token := got.AccessToken.Reveal()
	switch {
	case !answer.Success() && (!rotates || got.RefreshToken.IsZero() || len(got.Warnings) == 0):
		t.Errorf("tokens of status %d", answer.Status)
	case token == "" || strings.TrimSpace(token) != token || strings.ContainsFunc(token, unicode.IsControl) || got.TokenType == "":
		t.Errorf("no access token, or one of no type, or one that fits into no header")
	case got.RefreshToken.Blank() && !got.RefreshToken.IsZero():
		t.Errorf("a blank refresh token")
	case !got.IssuedAt.Equal(answer.Sent) || !got.ServerDate.Equal(answer.Date) || got.TransactionID < 0:
		t.Errorf("issued at %s, Date %s, transaction %d", got.IssuedAt, got.ServerDate, got.TransactionID)
	case access < 0 || access > longestAccess:
		t.Errorf("the access token lives for %s", access)
	case access == 0 && len(got.Warnings) == 0:
		t.Error("expired without a warning")
	case !got.RefreshExpiresAt.IsZero() && (refresh <= 0 || refresh > longestRefresh):
		t.Errorf("the refresh token lives for %s", refresh)
	case !got.Raw.IsZero() && (answer.Op != "login" || got.Raw != answer.Body || !got.RefreshToken.IsZero()):
		t.Error("an answer is kept although its refresh token can be read")
	case plant.Shown(got.Warnings):
		t.Errorf("a warning shows the answer: %q", got.Warnings)
	}
}

// checkError: the error keeps what may be the only copy of a token, and shows nothing of it.
func checkError(t *testing.T, answer exchange.Reply, rotates bool, err error) {
	t.Helper()
	var e *providers.Error
	assert.Assert(t, errors.As(err, &e), "%T: %v", err, err)
	body := answer.Body.Reveal()
	page, long := reply.IsHTML(body), len(body) > providers.MaxRaw
	switch {
	case e.Provider != answer.Provider || e.Op != answer.Op || e.Status != answer.Status || !e.Sent.Equal(answer.Sent):
		t.Errorf("an error of another answer: %v", err)
	case !e.Raw.IsZero() && (e.Raw != answer.Body || page || long),
		answer.Success() && e.Kind == providers.Unknown && e.Raw != answer.Body && !page && !long:
		t.Errorf("%d bytes are kept of %d: %v", len(e.Raw.Reveal()), len(body), err)
	case !allowed(answer, e.Kind):
		t.Errorf("kind %s: %v", e.Kind, err)
	case (e.Kind == providers.RateLimited) != (e.RetryAfter == time.Minute):
		t.Errorf("retry after %s: %v", e.RetryAfter, err)
	case plant.Shown(err):
		t.Errorf("the error shows the answer: %v", err)
	case e.Partial == nil:
	case e.Kind != providers.Unknown || answer.Op == "login" || !rotates || !answer.Success() || !e.Partial.RefreshToken.IsZero():
		t.Errorf("tokens beside: %v", err)
	default:
		checkTokens(t, answer, rotates, *e.Partial)
	}
}

// allowed reports whether an answer of this status may mean this.
func allowed(answer exchange.Reply, kind providers.Kind) bool {
	status := answer.Status
	switch {
	case status == 425, status == 429:
		return kind == providers.RateLimited
	case status < 200, status >= 500, status == 303, status == 408, status == 409:
		return kind == providers.Unknown
	}
	coded := answer.Provider == "oauth2" // by its code, a 2xx can be a refusal, and a 4xx a failure
	switch kind {
	case providers.Unknown:
		return answer.Success() || answer.Cut != nil || coded
	case providers.Refused:
		return answer.Op != "login"
	case providers.MaybeRefused:
		return answer.Op != "login" && (status >= 400 || coded && answer.Success())
	case providers.TurnedAway:
		return status >= 300 || coded
	case providers.Misconfigured, providers.RateLimited:
		return true
	case providers.NotSent:
	}
	return false
}

// FuzzOpen fuzzes how a client opens credentials secrets.
func (c Client) FuzzOpen(f *testing.F, secrets ...string) {
	f.Helper()
	for _, text := range append(secrets, ``, ` `, `null`, `[]`, `{}`, `{"placeholder":"x"}`, "{\"a\":\"\xff\"}", `{"base_url":`) {
		f.Add(text)
	}
	provider := c.Provider("sandbox")
	f.Fuzz(func(t *testing.T, text string) {
		for _, text := range []string{text, plant.Values(text)} {
			session, err := provider.Open(secret.New(text))
			switch {
			case err == nil:
				checkSession(t, session)
			case errors.Is(err, providers.ErrNotSeeded):
			default:
				_, again := provider.Open(secret.New(text))
				checkMistakes(t, provider.Name(), err, again)
			}
		}
	})
}

func checkSession(t *testing.T, session providers.Session) {
	t.Helper()
	ended, end := context.WithCancel(t.Context())
	end()
	check := func(err error) {
		var e *providers.Error
		assert.Check(t, errors.As(err, &e) && e.Kind == providers.NotSent && errors.Is(err, context.Canceled),
			"a call of a run that has ended: %v", err)
		assert.Check(t, !plant.Shown(err), "the error shows credentials: %v", err)
	}
	_, err := session.Refresh(ended, secret.New(plant.Marker))
	check(err)
	if _, err := session.Login(ended); session.CanLogin() {
		check(err)
	} else if !errors.Is(err, providers.ErrNoLogin) {
		t.Errorf("a login without credentials for it: %v", err)
	}
	assert.Check(t, !plant.Shown(session), "the session shows credentials")
}

func checkMistakes(t *testing.T, provider string, err, again error) {
	t.Helper()
	var e *providers.Error
	if !errors.As(err, &e) || e.Kind != providers.Misconfigured || e.Provider != provider || e.Op != "open" || !e.Raw.IsZero() {
		t.Errorf("%T: %v", err, err)
	}
	assert.Check(t, !plant.Shown(err), "the error shows credentials: %v", err)
	assert.Check(t, again != nil && again.Error() == err.Error(), "once %v, then %v", err, again)
}
