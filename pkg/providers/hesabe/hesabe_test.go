package hesabe_test

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/providers/hesabe"
	"tokenrefresh/pkg/providers/internal/onehost"
	"tokenrefresh/pkg/secret"
)

// documented is the sample reply of developer.hesabe.com, post-refresh-token.
//
//go:embed testdata/refresh.json
var documented string

// planted are the values that no error may show.
var planted = []string{"planted-user", "planted-password", "planted-refresh", "planted-reply"}

var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func open(tb testing.TB, base string) providers.Session {
	tb.Helper()
	client := exchange.New(exchange.Options{Now: func() time.Time { return now }})
	session, err := hesabe.New(client, "sandbox").Open(secret.New(
		`{"username":"planted-user","password":"planted-password","base_url":"` + base + `"}`))
	if err != nil {
		tb.Fatal(err)
	}
	return session
}

func wantError(tb testing.TB, err error, kind providers.Kind, op string) providers.Error {
	tb.Helper()
	var e *providers.Error
	if !errors.As(err, &e) || e.Kind != kind || e.Provider != "hesabe" || e.Op != op {
		tb.Fatalf("err = %v, want %s of hesabe %s", err, kind, op)
	}
	text := fmt.Sprintf("%v %+v %#v", err, err, *e)
	for _, value := range planted {
		if strings.Contains(text, value) {
			tb.Errorf("the error shows %q: %s", value, text)
		}
	}
	return *e
}

func TestRequests(t *testing.T) {
	t.Parallel()
	host := onehost.New(t, onehost.Answer{Status: 200, Body: documented})
	session := open(t, host.URL+"/base/")
	if _, err := session.Refresh(t.Context(), secret.New(`planted-refresh"<&`)); err != nil {
		t.Error(err)
	}
	if _, err := session.Login(t.Context()); err != nil {
		t.Error(err)
	}
	calls := host.Calls()
	if len(calls) != 2 {
		t.Fatalf("%d calls, want 2", len(calls))
	}
	bodies := []map[string]string{
		{"refreshToken": `planted-refresh"<&`},
		{"username": "planted-user", "password": "planted-password"},
	}
	for i, path := range []string{"/base/api/v1/token-refresh", "/base/api/v1/login"} {
		var body map[string]string
		if err := json.Unmarshal([]byte(calls[i].Body), &body); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(bodies[i], body); diff != "" || calls[i].Path != path || calls[i].Method != http.MethodPost {
			t.Errorf("%s %s (-want +got):\n%s", calls[i].Method, calls[i].Path, diff)
		}
		for _, name := range []string{"Authorization", "Accesscode", "Refreshtoken", "Idempotency-Key"} {
			if _, ok := calls[i].Header[name]; ok {
				t.Errorf("%s: header %s is sent", path, name)
			}
		}
	}
}

func TestDocumentedReply(t *testing.T) {
	t.Parallel()
	host := onehost.New(t, onehost.Answer{
		Status: 200, Body: documented, Header: map[string]string{"Date": "Sat, 21 Nov 2026 12:00:03 GMT"},
	})
	var sample struct {
		Response struct {
			Token map[string]any `json:"token"`
		} `json:"response"`
	}
	if err := json.Unmarshal([]byte(documented), &sample); err != nil {
		t.Fatal(err)
	}
	session := open(t, host.URL)
	refreshed, err := session.Refresh(t.Context(), secret.New("planted-refresh"))
	if err != nil {
		t.Fatal(err)
	}
	loggedIn, err := session.Login(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// The token's own claims, floats, say 899.985 s: a hair less than expires_in.
	want := providers.Tokens{
		AccessToken:  secret.New(sample.Response.Token["access_token"].(string)),
		RefreshToken: secret.New(sample.Response.Token["refresh_token"].(string)),
		TokenType:    "Bearer", IssuedAt: now,
		AccessExpiresAt: now.Add(899985 * time.Millisecond),
		ServerDate:      now.Add(3 * time.Second),
	}
	for _, got := range []providers.Tokens{refreshed, loggedIn} {
		got.AccessExpiresAt = got.AccessExpiresAt.Round(time.Millisecond)
		if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b secret.String) bool { return a == b })); diff != "" {
			t.Errorf("tokens (-want +got):\n%s", diff)
		}
	}
}

const (
	token       = `{"token_type":"Bearer","expires_in":900,"access_token":"at","refresh_token":"planted-reply"}`
	good        = `{"status":true,"message":"Success","response":{"token":` + token + `}}`
	notFound    = `{"status":false,"message":"Request not found, Please verify the request data","response":null}`
	badLogin    = `{"status":false,"message":"Invalid Signature.","response":null}`
	invalidData = `{"status":false,"message":"Invalid Request Data","data":{"refreshToken":["planted-reply"]}}`
	localised   = `{"status":false,"code":501,"message":{"en":"planted-reply","ar":"planted-reply"},"response":null}`
	broken      = `{"message":"Internal server error occurred"}`
	anonymous   = `{"message":"Unauthenticated."}`
	tooMany     = `{"message":"Too Many Attempts."}`
	page        = `<!DOCTYPE html><html>planted-reply</html>`
)

func TestAnswers(t *testing.T) {
	t.Parallel()
	const (
		ok            = providers.Kind(-1)
		unknown       = providers.Unknown
		refused       = providers.Refused
		misconfigured = providers.Misconfigured
		limited       = providers.RateLimited
	)
	cases := []struct {
		name   string
		status int
		body   string
		// what it is to a refresh and to a login
		refresh, login providers.Kind
	}{
		{"good", 200, good, ok, ok},
		{"good, 201", 201, good, ok, ok},
		{"dead", 404, notFound, refused, misconfigured},
		{"dead, 400", 400, notFound, refused, misconfigured},
		{"bad signature", 401, badLogin, refused, misconfigured},
		{"invalid data", 422, invalidData, refused, misconfigured},
		{"message is an object", 401, localised, refused, misconfigured},
		{"dead, 200", 200, notFound, refused, misconfigured},
		{"error, 200", 200, `{"error":"invalid_request","message":"planted-reply"}`, refused, misconfigured},
		{"404 page", 404, page, misconfigured, misconfigured},
		{"404 of nobody", 404, "", misconfigured, misconfigured},
		{"404 without status", 404, `{"message":"planted-reply"}`, misconfigured, misconfigured},
		{"404 with status in words", 404, `{"status":"false"}`, misconfigured, misconfigured},
		{"404 with status true", 404, `{"status":true}`, misconfigured, misconfigured},
		{"404 in bad UTF-8", 404, "{\"status\":false,\"message\":\"\xff\"}", misconfigured, misconfigured},
		{"anonymous", 401, anonymous, misconfigured, misconfigured},
		{"address filter", 403, page, misconfigured, misconfigured},
		{"address filter in JSON", 403, notFound, misconfigured, misconfigured},
		{"wrong method", 405, anonymous, misconfigured, misconfigured},
		{"gone", 410, notFound, misconfigured, misconfigured},
		{"redirect", 302, page, misconfigured, misconfigured},
		{"too many", 429, tooMany, limited, limited},
		{"too early", 425, "", limited, limited},
		{"timeout", 408, notFound, unknown, unknown},
		{"broken", 500, broken, unknown, unknown},
		{"broken, though it has a status", 500, notFound, unknown, unknown},
		{"gateway", 502, page, unknown, unknown},
		{"page, 200", 200, page, unknown, unknown},
		{"nothing, 200", 200, "", unknown, unknown},
		{"nothing, 204", 204, "", unknown, unknown},
		{"cut", 200, good[:len(good)-1], unknown, unknown},
		{"trailing garbage", 200, good + "x", unknown, unknown},
		{"bad UTF-8", 200, strings.Replace(good, "planted-reply", "planted-reply\xff", 1), unknown, unknown},
		{"no token", 200, `{"status":true,"message":"Success","response":{"token":{}}}`, unknown, unknown},
		{"no response", 200, `{"status":true,"message":"Success","response":null}`, unknown, unknown},
		{"blank token", 200, strings.Replace(good, `"at"`, `" "`, 1), unknown, unknown},
		{"token of a wrong type", 200, strings.Replace(good, `"at"`, `7`, 1), unknown, unknown},
		{"keys in another case", 200, strings.Replace(good, "access_token", "Access_Token", 1), unknown, unknown},
		{"token without status", 200, `{"response":{"token":` + token + `}}`, unknown, unknown},
		{"token with status false", 200, strings.Replace(good, "true", "false", 1), unknown, unknown},
		{"token elsewhere", 200, token, unknown, unknown},
		{"array", 200, "[" + good + "]", unknown, unknown},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			answer := onehost.Answer{Status: tc.status, Body: tc.body, Header: map[string]string{"Retry-After": "9"}}
			if tc.status == 204 {
				answer.Body = ""
			}
			host := onehost.New(t, answer)
			session := open(t, host.URL)
			check := func(op string, kind providers.Kind, got providers.Tokens, err error) {
				if kind == ok {
					if err != nil || got.RefreshToken.Reveal() != "planted-reply" || len(got.Warnings) > 0 {
						t.Errorf("%s: %+v, %v", op, got, err)
					}
					return
				}
				e := wantError(t, err, kind, op)
				raw := ""
				if kind == unknown && tc.status < 300 {
					raw = tc.body
				}
				if e.Raw.Reveal() != raw || e.Status != tc.status || !e.Sent.Equal(now) {
					t.Errorf("%s: raw %q of status %d sent at %s", op, e.Raw.Reveal(), e.Status, e.Sent)
				}
				if (kind == limited) != (e.RetryAfter == 9*time.Second) {
					t.Errorf("%s: retry after %s", op, e.RetryAfter)
				}
			}
			got, err := session.Refresh(t.Context(), secret.New("planted-refresh"))
			check("refresh", tc.refresh, got, err)
			got, err = session.Login(t.Context())
			check("login", tc.login, got, err)
			if n := len(host.Calls()); n != 2 {
				t.Errorf("%d calls for a refresh and a login", n)
			}
		})
	}
}

func TestAddressFilterIsHintedAt(t *testing.T) {
	t.Parallel()
	host := onehost.New(t, onehost.Answer{Status: 403})
	_, err := open(t, host.URL).Refresh(t.Context(), secret.New("planted-refresh"))
	if e := wantError(t, err, providers.Misconfigured, "refresh"); !strings.Contains(e.Error(), "address") {
		t.Errorf("no word of the address: %v", &e)
	}
}

func TestOddReplies(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		body     string
		refresh  string
		lifetime time.Duration
		warning  string
	}{
		"no new refresh token": {strings.Replace(good, `"planted-reply"`, `null`, 1), "", 900 * time.Second, "no refresh_token"},
		"no expires_in":        {strings.Replace(good, `"expires_in":900,`, ``, 1), "planted-reply", 900 * time.Second, "15m0s is assumed"},
		"expires_in as text":   {strings.Replace(good, `900`, `"900"`, 1), "planted-reply", 900 * time.Second, ""},
		"expires_in zero":      {strings.Replace(good, `900`, `0`, 1), "planted-reply", 0, "counts as expired"},
		"message of any type":  {strings.Replace(good, `"Success"`, `{"en":[]}`, 1), "planted-reply", 900 * time.Second, ""},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := open(t, "http://127.0.0.1").Decode(secret.New(tc.body), now)
			if err != nil || got.RefreshToken.Reveal() != tc.refresh || !got.AccessExpiresAt.Equal(now.Add(tc.lifetime)) ||
				!strings.Contains(strings.Join(got.Warnings, " "), tc.warning) || (tc.warning == "") != (len(got.Warnings) == 0) {
				t.Errorf("Decode = %+v, %v", got, err)
			}
		})
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	session := open(t, "http://127.0.0.1")
	_, err := session.Decode(secret.New(page), now)
	if e := wantError(t, err, providers.Unknown, "decode"); e.Raw.Reveal() != page || !e.Sent.Equal(now) {
		t.Errorf("raw %q sent at %s", e.Raw.Reveal(), e.Sent)
	}
	_, err = session.Decode(secret.New(notFound), now)
	wantError(t, err, providers.Refused, "decode")
}

func TestDeadHost(t *testing.T) {
	t.Parallel()
	_, err := open(t, "http://127.0.0.1:1").Refresh(t.Context(), secret.New("planted-refresh"))
	if e := wantError(t, err, providers.NotSent, "refresh"); !strings.Contains(e.Error(), "127.0.0.1:1") {
		t.Errorf("the host is not named: %v", &e)
	}
}
