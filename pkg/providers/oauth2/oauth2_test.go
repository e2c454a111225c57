package oauth2_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/providers/internal/clienttest"
	"tokenrefresh/pkg/providers/oauth2"
	"tokenrefresh/pkg/secret"
)

var client = clienttest.Client{
	New:     oauth2.New,
	Planted: []string{"planted"},
}

const good = `{"access_token":"at","token_type":"bearer","expires_in":1800,"refresh_token":"planted-new","scope":"a"}`

// open opens a session at base with further fields.
func open(tb testing.TB, base, fields string) providers.Session {
	tb.Helper()
	return client.Session(tb, `{"token_url":"`+base+`/token?tenant=7","client_id":"id","refresh_token_reuse":"never"`+fields+`}`)
}

func TestRequests(t *testing.T) {
	t.Parallel()
	// Both halves form-encoded: "&+/ %:" as %26%2B%2F+%25%3A.
	pair := base64.StdEncoding.EncodeToString([]byte("id:%26%2B%2F+%25%3A%C3%A9"))
	const odd = `&+/ %:é`
	cases := map[string]struct {
		fields         string
		authorization  string
		refresh, login url.Values
	}{
		"Basic": {
			`,"client_secret":"` + odd + `","login_params":{"grant_type":"client_credentials","scope":"x y"}`, "Basic " + pair,
			url.Values{},
			url.Values{"grant_type": {"client_credentials"}, "scope": {"x y"}},
		},
		"in the body": {
			`,"client_secret":"` + odd + `","token_endpoint_auth_method":"client_secret_post","refresh_params":{"resource":"https://r.example"},
			"login_params":{"grant_type":"password","username":"u","password":"p&="}`, "",
			url.Values{"client_id": {"id"}, "client_secret": {odd}, "resource": {"https://r.example"}},
			url.Values{"client_id": {"id"}, "client_secret": {odd}, "grant_type": {"password"}, "username": {"u"}, "password": {"p&="}},
		},
		"public": {
			`,"login_params":{"grant_type":"account_credentials","account_id":7,"flag":true}`, "",
			url.Values{"client_id": {"id"}},
			url.Values{"client_id": {"id"}, "grant_type": {"account_credentials"}, "account_id": {"7"}, "flag": {"true"}},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host := clienttest.New(t, clienttest.Answer{Status: 200, Body: good})
			session := open(t, host.URL, tc.fields)
			for range 2 { // the second request is as complete as the first
				_, err := session.Refresh(t.Context(), secret.New("rt+/=&"))
				assert.NilError(t, err)
				_, err = session.Login(t.Context())
				assert.NilError(t, err)
			}
			tc.refresh.Set("grant_type", "refresh_token")
			tc.refresh.Set("refresh_token", "rt+/=&")
			for i, call := range host.Calls() {
				got, err := url.ParseQuery(call.Body)
				assert.NilError(t, err)
				want := []url.Values{tc.refresh, tc.login}[i%2]
				if diff := cmp.Diff(want, got); diff != "" || call.Path != "/token?tenant=7" ||
					call.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || call.Header.Get("Authorization") != tc.authorization ||
					call.Header.Get("Accept") != "application/json" {
					t.Errorf("%s %s, headers %v (-want +got):\n%s", call.Method, call.Path, call.Header, diff)
				}
			}
		})
	}
}

// The rows of docs/services.md#what-errors-mean, with the services that they were seen at.
func TestErrors(t *testing.T) {
	t.Parallel()
	const (
		refused  = providers.Refused
		perhaps  = providers.MaybeRefused
		config   = providers.Misconfigured
		turned   = providers.TurnedAway
		limited  = providers.RateLimited
		unknown  = providers.Unknown
		league   = `{"error":"invalid_request","error_description":"planted","hint":"planted","message":"The refresh token is invalid."}`
		mistaken = `{"error":"invalid_request","error_description":"Missing parameter: refresh_token"}`
	)
	cases := []struct {
		status int
		body   string
		want   providers.Kind
		login  providers.Kind
		hint   string
	}{
		{400, `{"error":"invalid_grant"}`, refused, config, ""},
		{401, `{"error":"invalid_grant","error_description":"planted"}`, refused, config, ""},
		{403, `{"error":"invalid_grant"}`, refused, config, ""}, // Atlassian
		{404, `{"error":"invalid_grant"}`, refused, config, ""},
		{401, league, refused, config, ""}, // Laravel Passport
		{400, league, refused, config, ""},
		{400, `{"status":"BAD_REFRESH_TOKEN","message":"missing or invalid refresh token","correlationId":"planted"}`, refused, config, ""}, // HubSpot
		{200, `{"error":"bad_refresh_token","error_description":"planted","error_uri":"https://x.example/invalid_client"}`, refused, config, ""},
		{200, `error=bad_refresh_token&error_description=planted`, refused, config, ""}, // GitHub without Accept
		{200, `{"ok":false,"error":"invalid_refresh_token"}`, refused, config, ""},      // Slack
		{200, `{"ok":false,"error":"token_expired"}`, refused, config, ""},
		{200, `{"ok":false,"error":"token_revoked"}`, refused, config, ""},
		{200, `{"error":"invalid_code"}`, refused, config, ""},  // Zoho
		{200, `{"error":"expired_token"}`, perhaps, config, ""}, // of whom?
		{200, `{"error":"invalid_grant"}`, refused, config, ""}, // an error without an access token is a refusal
		{400, `{"error":{"code":"invalid_grant"}}`, refused, config, ""},
		{400, `{"errors":[{"errorType":"invalid_grant"}],"success":false}`, refused, config, ""},

		{401, `{"error":"invalid_client"}`, config, config, "client_id, client_secret"},
		{400, `{"error":"invalid_client"}`, config, config, ""},
		{401, `{"error":"unauthorized_client","error_description":"Invalid client or Invalid client credentials"}`, config, config, ""}, // Keycloak
		{200, `{"error":"incorrect_client_credentials"}`, config, config, ""},                                                           // GitHub
		{200, `{"ok":false,"error":"bad_client_secret"}`, config, config, ""},
		{400, `{"status":"BAD_CLIENT_SECRET","message":"planted"}`, config, config, ""},

		{400, mistaken, turned, turned, "invalid_request"},
		{401, mistaken, turned, turned, "invalid_request"},
		{400, `{"error":"invalid_scope"}`, turned, turned, "scope in refresh_params"},
		{400, `{"error":"invalid_target"}`, turned, turned, "audience"},
		{400, `{"error":"unsupported_grant_type"}`, turned, turned, "token_url"},
		{403, `{"error":"access_denied"}`, turned, turned, "access_denied"},
		{400, `{"error":"planted_code"}`, turned, turned, ""},
		{401, `{"error":"planted_code"}`, turned, turned, ""},
		{422, `{"error":"planted_code"}`, turned, turned, ""},
		{200, `{"error":"planted_code"}`, turned, turned, ""},
		{400, `{"error":"temporarily_unavailable"}`, turned, turned, "temporarily"},
		{401, `{"reason":"Invalid Token!","error":"invalid_request"}`, perhaps, config, ""}, // Zoom
		{401, `{"message":"Unauthenticated."}`, perhaps, config, ""},

		{429, ``, limited, limited, ""},
		{400, `{"error":"slow_down"}`, limited, limited, ""},
		{400, `{"error":"Access Denied","error_description":"You have made too many requests continuously. Please try again after some time.","status":"failure"}`, limited, limited, ""}, // Zoho
		{200, `{"ok":false,"error":"ratelimited"}`, limited, limited, ""},

		{404, `<html>planted</html>`, turned, turned, "token_url is wrong"},
		{403, `Forbidden`, turned, turned, ""},
		{302, ``, turned, turned, "token_url"},
		{400, `{"error":"Bad Request","status":400,"path":"planted"}`, turned, turned, ""}, // Spring's own

		{500, `{"error":"invalid_grant"}`, unknown, unknown, ""},
		{503, ``, unknown, unknown, ""},
		{400, `{"error":"server_error"}`, unknown, unknown, ""},
		{200, `{"error":"server_error"}`, unknown, unknown, ""},
		{200, `{"ok":false,"error":"fatal_error"}`, unknown, unknown, ""}, // Slack: part of it may have been done
		{200, `{"ok":false}`, unknown, unknown, ""},
		{200, `{}`, unknown, unknown, ""},
		{200, `{"error":"planted_code","refresh_token":"planted-but-long"}`, unknown, unknown, ""},
		{200, `<html>`, unknown, unknown, ""},
	}
	for _, tc := range cases {
		t.Run(fmt.Sprint(tc.status, tc.body), func(t *testing.T) {
			t.Parallel()
			host := clienttest.New(t, clienttest.Answer{Status: tc.status, Body: tc.body})
			session := open(t, host.URL, `,"client_secret":"s","login_params":{"grant_type":"client_credentials"}`)
			_, err := session.Refresh(t.Context(), secret.New("planted-token"))
			if e := client.Error(t, err, tc.want, "refresh"); !strings.Contains(e.Hint, tc.hint) || strings.Contains(e.Hint, "base_url") {
				t.Errorf("hint %q, want one with %q", e.Hint, tc.hint)
			}
			_, err = session.Login(t.Context())
			client.Error(t, err, tc.login, "login")
		})
	}
}

// jwt is a token that lives for so many seconds.
func jwt(seconds int) string {
	claims := fmt.Sprintf(`{"iat":%d,"exp":%d}`, clienttest.Now.Unix(), clienttest.Now.Unix()+int64(seconds))
	return "h." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".s"
}

func TestLifetimes(t *testing.T) {
	t.Parallel()
	const hour, own, assumed = time.Hour, "own claims count", "30m0s is assumed"
	const form = `access_token=at&expires_in=28800&refresh_token=rt&refresh_token_expires_in=15897600`
	client.Reads(t, open(t, clienttest.DeadHost, ""), map[string]clienttest.Reading{
		"as named":          {`{"access_token":"at","expires_in":1800}`, "", hour / 2, 0, ""},
		"missing":           {`{"access_token":"at"}`, "", hour / 2, 0, assumed},
		"missing, a JWT":    {`{"access_token":"` + jwt(600) + `"}`, "", hour / 6, 0, own},
		"zero":              {`{"access_token":"at","expires_in":0}`, "", hour / 2, 0, assumed},
		"a year":            {`{"access_token":"at","expires_in":31536000}`, "", 720 * hour, 0, "30 days are assumed"},
		"GitHub":            {`{"access_token":"at","expires_in":28800,"refresh_token_expires_in":15897600}`, "", 8 * hour, 4416 * hour, ""},
		"Keycloak":          {`{"access_token":"at","expires_in":300,"refresh_expires_in":1800}`, "", hour / 12, hour / 2, ""},
		"Keycloak, offline": {`{"access_token":"at","expires_in":300,"refresh_expires_in":0}`, "", hour / 12, 0, ""},
		"QuickBooks":        {`{"access_token":"at","expires_in":3600,"x_refresh_token_expires_in":8640000}`, "", hour, 2400 * hour, ""},
		"a form":            {form, "rt", 8 * hour, 4416 * hour, ""},
	})
	client.Reads(t, open(t, clienttest.DeadHost, `,"expires_in":"7200"`), map[string]clienttest.Reading{
		"named beside a field":  {`{"access_token":"at","expires_in":"1800"}`, "", hour / 2, 0, ""},
		"missing, with a field": {`{"access_token":"at"}`, "", 2 * hour, 0, ""},
		"a JWT, with a field":   {`{"access_token":"` + jwt(600) + `"}`, "", hour / 6, 0, ""},
		"nonsense, a field":     {`{"access_token":"at","expires_in":"soon"}`, "", 2 * hour, 0, "2h0m0s is assumed"},
	})
}

func TestReuseThatNobodySet(t *testing.T) {
	t.Parallel()
	host := clienttest.New(t, clienttest.Answer{Status: 200, Body: good})
	session, err := oauth2.New(exchange.New(exchange.Options{}), "").Open(secret.New(`{"token_url":"` + host.URL + `","client_id":"id"}`))
	assert.NilError(t, err)
	got, err := session.Refresh(t.Context(), secret.New("planted-token"))
	assert.Check(t, err == nil && len(got.Warnings) == 1 && strings.Contains(got.Warnings[0], "refresh_token_reuse"),
		"warnings %q, %v", got.Warnings, err)
}

func TestPublish(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ reply, want string }{
		"beside":  {`{"access_token":"at","expires_in":60,"instance_url":"https://x","id_token":"secret","n":7}`, `{"id":null,"instance_url":"https://x","n":7}`},
		"above":   {`{"id":"team","n":{"a":[1]},"token":{"access_token":"at","expires_in":60}}`, `{"id":"team","instance_url":null,"n":{"a":[1]}}`},
		"both":    {`{"id":"team","token":{"access_token":"at","expires_in":60,"id":"user"}}`, `{"id":"user","instance_url":null,"n":null}`},
		"a form":  {`access_token=at&expires_in=60&id=7`, `{"id":"7","instance_url":null,"n":null}`},
		"nothing": {`{"access_token":"at","expires_in":60}`, `{"id":null,"instance_url":null,"n":null}`},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			session := open(t, clienttest.New(t, clienttest.Answer{Status: 200, Body: tc.reply}).URL, `,"publish":["instance_url","n","id"]`)
			got, err := session.Refresh(t.Context(), secret.New("planted-token"))
			assert.Check(t, err == nil && got.Reply.Reveal() == tc.want, "published %s, %v", got.Reply.Reveal(), err)
		})
	}
	long, _ := json.Marshal(strings.Repeat("x", 20<<10))
	body := `{"access_token":"at","expires_in":60,"id":` + string(long) + `}`
	session := open(t, clienttest.New(t, clienttest.Answer{Status: 200, Body: body}).URL, `,"publish":["id"]`)
	if got, err := session.Refresh(t.Context(), secret.New("planted-token")); err != nil || !got.Reply.IsZero() || len(got.Warnings) != 1 {
		t.Errorf("20 KB: %d published, %q, %v", len(got.Reply.Reveal()), got.Warnings, err)
	}
}
