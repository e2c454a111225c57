package sandbox_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/sandbox"
)

func html(title string) string {
	return "<html>\n<head><title>" + title + "</title></head>\n<body><center><h1>" + title + "</h1></center></body>\n</html>\n"
}

// lost is the check of a call that got no reply at all.
func lost(t *testing.T, got answer) {
	t.Helper()
	assert.Check(t, got.status == 0 && errors.Is(got.err, io.EOF),
		"status %d, error %v; want no reply", got.status, got.err)
}

func replied(status int, body string) func(*testing.T, answer) {
	return func(t *testing.T, got answer) {
		t.Helper()
		assert.Check(t, got.err == nil && got.status == status && got.body == body,
			"%d %s, error %v; want %d %s", got.status, got.body, got.err, status, body)
	}
}

// Each fault gets a refresh of a fresh pair; acted says whether the provider made the
// exchange, and with it ended the old access token.
func TestFaultsThatAnswer(t *testing.T) {
	t.Parallel()
	const serverError = `{"message":"Internal server error occurred"}`
	cases := []struct {
		name  string
		fault sandbox.Fault
		acted bool
		check func(*testing.T, answer)
	}{
		{"drop", sandbox.Drop(), false, lost},
		{"lose the reply", sandbox.LoseReply(), true, lost},
		{"500", sandbox.Status(500), false, replied(500, serverError)},
		{"500 after acting", sandbox.Status(500).AfterActing(), true, replied(500, serverError)},
		{"401", sandbox.Status(401), false, replied(401, hesabeBadLogin)},
		{"404", sandbox.Status(404), false, replied(404, hesabeNotFound)},
		{"408", sandbox.Status(408), false, replied(408, `{"message":"Request Timeout"}`)},
		{"422", sandbox.Status(422), false, replied(422,
			`{"status":false,"message":"Invalid Request Data","data":{"refreshToken":["The refresh token field is invalid."]}}`)},
		{"502 HTML", sandbox.HTML(502), false, replied(502, html("502 Bad Gateway"))},
		{"503 HTML after acting", sandbox.HTML(503).AfterActing(), true, replied(503, html("503 Service Unavailable"))},
		{"HTML with 200", sandbox.HTML(200), false, replied(200, html("200 OK"))},
		{"429", sandbox.RateLimit("7"), false, func(t *testing.T, got answer) {
			t.Helper()
			replied(429, `{"message":"Too Many Attempts."}`)(t, got)
			v := got.header.Get("Retry-After")
			assert.Check(t, v == "7", "Retry-After %q", v)
		}},
		{"429 without Retry-After", sandbox.RateLimit(""), false, func(t *testing.T, got answer) {
			t.Helper()
			if v := got.header.Values("Retry-After"); got.status != http.StatusTooManyRequests || v != nil {
				t.Errorf("status %d, Retry-After %q", got.status, v)
			}
		}},
		{"redirect", sandbox.Redirect("http://elsewhere.example"), false, func(t *testing.T, got answer) {
			t.Helper()
			const want = "http://elsewhere.example/api/v1/token-refresh"
			if v := got.header.Get("Location"); got.status != http.StatusTemporaryRedirect || v != want {
				t.Errorf("status %d, Location %q", got.status, v)
			}
		}},
		{"truncated", sandbox.Truncate(), true, func(t *testing.T, got answer) {
			t.Helper()
			if got.status != http.StatusOK || !errors.Is(got.err, io.ErrUnexpectedEOF) || !strings.HasPrefix(got.body, `{"status":true`) {
				t.Errorf("status %d, error %v: %s", got.status, got.err, got.body)
			}
		}},
		{"garbage", sandbox.Garbage(), true, func(t *testing.T, got answer) {
			t.Helper()
			assert.Check(t, got.err == nil && got.status == http.StatusOK && !json.Valid([]byte(got.body)),
				"status %d, error %v: %s", got.status, got.err, got.body)
		}},
		{"gzip bomb", sandbox.GzipBomb(), true, func(t *testing.T, got answer) {
			t.Helper()
			if got.status != http.StatusOK || got.header.Get("Content-Encoding") != "gzip" || len(got.body) > 1<<18 {
				t.Fatalf("status %d, %d bytes, header %v", got.status, len(got.body), got.header)
			}
			zip, err := gzip.NewReader(strings.NewReader(got.body))
			assert.NilError(t, err)
			plain, err := io.ReadAll(zip)
			if err != nil || len(plain) < 4<<20 || !bytes.Contains(plain[4<<20:], []byte(`"access_token"`)) {
				t.Errorf("unpacked to %d bytes, error %v", len(plain), err)
			}
		}},
		{"invalid UTF-8", sandbox.InvalidUTF8(), true, func(t *testing.T, got answer) {
			t.Helper()
			// encoding/json takes it, and silently changes the token.
			assert.Check(t, got.status == http.StatusOK && !utf8.ValidString(got.body) && json.Valid([]byte(got.body)),
				"status %d: %q", got.status, got.body)
		}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := start(t, sandbox.Options{})
			pair := b.Issue(sandbox.Hesabe)
			b.Inject(sandbox.Hesabe, sandbox.Refresh, 1, tc.fault)
			tc.check(t, b.refresh(t.Context(), sandbox.Hesabe, pair.RefreshToken))
			acted := !b.Valid(sandbox.Hesabe, pair.AccessToken)
			assert.Check(t, acted == tc.acted, "acted: %v, want %v", acted, tc.acted)
			want := http.StatusOK
			if tc.acted {
				want = http.StatusNotFound
			}
			got := b.refresh(t.Context(), sandbox.Hesabe, pair.RefreshToken)
			assert.Check(t, got.status == want, "the same token again got %d, want %d", got.status, want)
		})
	}
}

func TestStatusBodies(t *testing.T) {
	t.Parallel()
	cases := []struct {
		provider sandbox.Provider
		want     string
	}{
		{sandbox.Hesabe, `{"message":"Internal server error occurred"}`},
		{sandbox.TConnect, `{"error":"internal_server_error","error_description":"Internal Server Error"}`},
		{sandbox.Berbix, `{"status":500,"reason":"internal_server_error","message":"Internal Server Error"}`},
	}
	b := start(t, sandbox.Options{})
	for _, tc := range cases {
		b.Inject(tc.provider, sandbox.Any, 1, sandbox.Status(500))
		replied(500, tc.want)(t, b.refresh(t.Context(), tc.provider, "x"))
	}
}

func TestFaultsInFields(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name     string
		provider sandbox.Provider
		fault    sandbox.Fault
		want     string // in the body
		not      string // not in it; "" for nothing
	}{
		{"no refresh token", sandbox.Hesabe, sandbox.WithoutRefreshToken(), `"access_token"`, "refresh_token"},
		{"null refresh token", sandbox.TConnect, sandbox.Field("refresh_token", "null"), `"refresh_token":null,`, ""},
		{"lifetime as text", sandbox.Hesabe, sandbox.ExpiresIn(`"900"`), `"expires_in":"900",`, ""},
		{"absurd lifetime", sandbox.TConnect, sandbox.ExpiresIn(`1e300`), `"expires_in":1e300,`, ""},
		{"no lifetime", sandbox.Berbix, sandbox.ExpiresIn(""), `"access_token"`, "expires_in"},
		{"not even JSON", sandbox.Berbix, sandbox.ExpiresIn("NaN"), `"expires_in":NaN,`, ""},
		{"no end of the refresh token", sandbox.TConnect, sandbox.Field("refresh_expires_in", "0"), `"refresh_expires_in":0,`, ""},
		{"last field", sandbox.Berbix, sandbox.Field("token_type", ""), `"expires_in":3600}`, "token_type"},
		{"first field", sandbox.TConnect, sandbox.Field("access_token", ""), `{"expires_in"`, "access_token"},
	}
	b := start(t, sandbox.Options{})
	for _, tc := range cases {
		b.Inject(tc.provider, sandbox.Refresh, 1, tc.fault)
		got := b.refresh(t.Context(), tc.provider, b.Issue(tc.provider).RefreshToken)
		if got.status != http.StatusOK || !strings.Contains(got.body, tc.want) || tc.not != "" && strings.Contains(got.body, tc.not) {
			t.Errorf("%s: %d %s", tc.name, got.status, got.body)
		}
	}
}

func TestFaultQueue(t *testing.T) {
	t.Parallel()
	b := start(t, sandbox.Options{})
	expect := func(step string, got answer, want int) {
		t.Helper()
		assert.Check(t, got.err == nil && got.status == want,
			"%s: status %d, error %v; want %d", step, got.status, got.err, want)
	}
	refresh := func() answer {
		return b.refresh(t.Context(), sandbox.Hesabe, b.Issue(sandbox.Hesabe).RefreshToken)
	}
	b.Inject(sandbox.Hesabe, sandbox.Refresh, 2, sandbox.Status(500))
	b.Inject(sandbox.Hesabe, sandbox.Refresh, 1, sandbox.Status(503), sandbox.WithoutRefreshToken())
	b.Inject(sandbox.Hesabe, sandbox.Any, 0, sandbox.Status(418))

	expect("another provider", b.refresh(t.Context(), sandbox.Berbix, b.AddTransaction().RefreshToken), 200)
	expect("another operation meets Any only", b.login(t.Context(), sandbox.Hesabe), 418)
	expect("first of two", refresh(), 500)
	expect("second of two", refresh(), 500)
	expect("the next answer had to wait", refresh(), 503)
	expect("until cleared", refresh(), 418)
	expect("until cleared", refresh(), 418)
	b.Clear(sandbox.Hesabe)
	// The field's fault was for one call, and that was the first: sorts don't wait for
	// each other.
	pair := tokens(t, refresh())
	assert.Check(t, pair.RefreshToken != "", "the field is still missing")
}

func TestFaultsAddUp(t *testing.T) {
	t.Parallel()
	b := start(t, sandbox.Options{})
	b.Inject(sandbox.TConnect, sandbox.Login, 1,
		sandbox.Slow(time.Millisecond), sandbox.ExpiresIn("1"), sandbox.Field("refresh_expires_in", "2"), sandbox.ReplyAs(sandbox.Wrapped))
	got := b.login(t.Context(), sandbox.TConnect)
	for _, want := range []string{`{"data":{`, `"expires_in":1,`, `"refresh_expires_in":2,`} {
		assert.Check(t, strings.Contains(got.body, want), "no %s in %s", want, got.body)
	}
}
