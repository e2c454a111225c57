package berbix_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/berbix"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/providers/internal/clienttest"
	"tokenrefresh/pkg/secret"
)

// client shows neither of the tokens, nor the API secret, nor that as it is sent.
var client = clienttest.Client{
	Name: "berbix",
	New: func(c *exchange.Client, environment string) providers.Provider {
		return berbix.New(c, environment)
	},
	Planted: []string{"planted-refresh", "planted-reply", "secret_test_x", "c2VjcmV0X3Rlc3RfeDo"},
}

const (
	good = `{"entity":"token","transaction_id":1234567890123,"access_token":"at","client_token":"ct",` +
		`"expires_in":3600,"token_type":"Bearer"}`
	failed = `{"status":401,"reason":"planted-reply","message":"planted-reply"}`
	page   = clienttest.Page
)

func open(tb testing.TB, base string) providers.Session {
	tb.Helper()
	return client.Session(tb, `{"api_secret":"secret_test_x","base_url":"`+base+`"}`)
}

func TestRequest(t *testing.T) {
	t.Parallel()
	host := clienttest.New(t, clienttest.Answer{Status: 200, Body: good})
	if _, err := open(t, host.URL).Refresh(t.Context(), secret.New("planted-refresh")); err != nil {
		t.Fatal(err)
	}
	call := host.Calls()[0]
	var body map[string]string
	assert.NilError(t, json.Unmarshal([]byte(call.Body), &body))
	want := map[string]string{"refresh_token": "planted-refresh", "grant_type": "refresh_token"}
	if diff := cmp.Diff(want, body); diff != "" || call.Method != http.MethodPost || call.Path != "/v0/tokens" ||
		call.Header.Get("Authorization") != "Basic c2VjcmV0X3Rlc3RfeDo=" {
		t.Errorf("%s %s with %v (-want +got):\n%s", call.Method, call.Path, call.Header, diff)
	}
}

func TestReplies(t *testing.T) {
	t.Parallel()
	const expired = "counts as expired"
	cases := map[string]struct {
		status   int
		body     string
		refresh  string
		client   string
		id       int64
		lifetime time.Duration
		warning  string
	}{
		"usual":                    {200, good, "", "ct", 1234567890123, time.Hour, ""},
		"201":                      {201, good, "", "ct", 1234567890123, time.Hour, ""},
		"with a refresh token":     {200, strings.Replace(good, "{", `{"refresh_token":"rt",`, 1), "rt", "ct", 1234567890123, time.Hour, ""},
		"with a blank one":         {200, strings.Replace(good, "{", `{"refresh_token":"",`, 1), "", "ct", 1234567890123, time.Hour, ""},
		"no client token":          {200, strings.Replace(good, `"ct"`, "null", 1), "", "", 1234567890123, time.Hour, ""},
		"id as text":               {200, strings.Replace(good, "1234567890123", `"1234567890123"`, 1), "", "ct", 1234567890123, time.Hour, ""},
		"id of a wrong type":       {200, strings.Replace(good, "1234567890123", `{}`, 1), "", "ct", 0, time.Hour, ""},
		"lifetime as text":         {200, strings.Replace(good, "3600", `"3600"`, 1), "", "ct", 1234567890123, time.Hour, ""},
		"no lifetime":              {200, `{"access_token":"at"}`, "", "", 0, 0, expired},
		"lifetime zero":            {200, strings.Replace(good, "3600", "0", 1), "", "ct", 1234567890123, 0, expired},
		"lifetime negative":        {200, strings.Replace(good, "3600", "-5", 1), "", "ct", 1234567890123, 0, expired},
		"lifetime in words":        {200, strings.Replace(good, "3600", `"NaN"`, 1), "", "ct", 1234567890123, 0, expired},
		"lifetime a point in time": {200, strings.Replace(good, "3600", "1760422323", 1), "", "ct", 1234567890123, 0, expired},
		"lifetime beyond a day":    {200, strings.Replace(good, "3600", "99999999", 1), "", "ct", 1234567890123, 24 * time.Hour, "24h0m0s are assumed"},
		"in milliseconds":          {200, strings.Replace(good, "3600", "3600000", 1), "", "ct", 1234567890123, time.Hour, "milliseconds"},
		"bad UTF-8 beside":         {200, strings.Replace(good, `"ct"`, "\"\xff\"", 1), "", "", 1234567890123, time.Hour, "not valid UTF-8"},
		"unreadable refresh token": {200, strings.Replace(good, "{", `{"refresh_token":7,`, 1), "", "ct", 1234567890123, time.Hour, "cannot be read"},
		"line break in the tokens": {200, strings.NewReplacer(`"at"`, `"at\n"`, `"ct"`, `"ct\n"`).Replace(good), "", "ct", 1234567890123, time.Hour, "white space"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host := clienttest.New(t, clienttest.Answer{
				Status: tc.status, Body: tc.body, Header: map[string]string{"Date": "Sat, 21 Nov 2026 12:00:03 GMT"},
			})
			got, err := open(t, host.URL).Refresh(t.Context(), secret.New("planted-refresh"))
			assert.NilError(t, err)
			if got.AccessToken.Reveal() != "at" || got.RefreshToken.Reveal() != tc.refresh || got.ClientToken.Reveal() != tc.client ||
				got.TransactionID != tc.id || !got.AccessExpiresAt.Equal(clienttest.Now.Add(tc.lifetime)) ||
				!got.ServerDate.Equal(clienttest.Now.Add(3*time.Second)) || !got.RefreshExpiresAt.IsZero() {
				t.Errorf("tokens = %+v", got)
			}
			warnings := strings.Join(got.Warnings, " ")
			if !strings.Contains(warnings, tc.warning) || (tc.warning == "") != (warnings == "") {
				t.Errorf("warnings %q, want %q", warnings, tc.warning)
			}
		})
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		status int
		body   string
		kind   providers.Kind
	}{
		"wrong secret":               {401, failed, providers.Misconfigured},
		"wrong secret in words":      {403, `{"status":403,"reason":"forbidden","message":"The API secret is invalid."}`, providers.Misconfigured},
		"401 about the token":        {401, `{"status":401,"reason":"invalid_token","message":"planted-reply"}`, providers.MaybeRefused},
		"dead":                       {400, `{"status":400,"reason":"invalid_refresh_token","message":"planted-reply"}`, providers.Refused},
		"dead in words":              {401, `{"code":1,"readable":"This refresh token has already been used."}`, providers.Refused},
		"deleted":                    {404, `{"status":404,"reason":"not_found","message":"The transaction was deleted."}`, providers.Refused},
		"its own 404 in other words": {404, failed, providers.MaybeRefused},
		"its own 410 in other words": {410, failed, providers.MaybeRefused},
		"its own 400 in other words": {400, failed, providers.MaybeRefused},
		"unprocessable":              {422, `{"code":1,"readable":"planted-reply"}`, providers.MaybeRefused},
		"invalid grant type":         {400, `{"status":400,"reason":"invalid_grant_type","message":"planted-reply"}`, providers.MaybeRefused},
		// A gateway, or a wrong address, gives every row this answer: it must not mark them dead.
		"traefik #621":           {404, "404 page not found\n", providers.TurnedAway},
		"ingress-nginx":          {404, "default backend - 404", providers.TurnedAway},
		"envoy":                  {404, "", providers.TurnedAway},
		"kong #10483":            {404, `{"message":"no Route matched with those values"}`, providers.TurnedAway},
		"gateway in its words":   {404, `{"message":"The transaction was deleted."}`, providers.TurnedAway},
		"gateway, 401":           {401, "Unauthorized", providers.TurnedAway},
		"gateway, 401 in JSON":   {401, `{"message":"Unauthorized"}`, providers.MaybeRefused},
		"API gateway":            {403, `{"message":"Missing Authentication Token"}`, providers.TurnedAway},
		"forbidden":              {403, failed, providers.TurnedAway},
		"page, 401":              {401, page, providers.TurnedAway},
		"page, 404":              {404, page, providers.TurnedAway},
		"page, 405":              {405, " \n" + page, providers.TurnedAway},
		"nothing, 400":           {400, "", providers.TurnedAway},
		"payment required":       {402, "", providers.TurnedAway},
		"proxy":                  {407, "proxy authentication required", providers.TurnedAway},
		"too large":              {413, page, providers.TurnedAway},
		"owncloud #9380":         {421, "", providers.TurnedAway},
		"locked":                 {423, "", providers.TurnedAway},
		"legal reasons":          {451, "blocked", providers.TurnedAway},
		"redirect":               {301, page, providers.TurnedAway},
		"see other":              {303, page, providers.Unknown},
		"conflict":               {409, `{"message":{},"next_step":7}`, providers.Unknown},
		"too many":               {429, failed, providers.RateLimited},
		"too many, 200":          {200, `{"reason":"rate_limited"}`, providers.RateLimited},
		"too early":              {425, failed, providers.RateLimited},
		"timeout":                {408, failed, providers.Unknown},
		"broken":                 {500, failed, providers.Unknown},
		"gateway":                {503, page, providers.Unknown},
		"page, 200":              {200, page, providers.Unknown},
		"nothing, 200":           {200, "", providers.Unknown},
		"no token":               {200, `{"entity":"token","expires_in":3600}`, providers.Unknown},
		"error, 200":             {200, failed, providers.Unknown},
		"cut":                    {200, good[:40], providers.Unknown},
		"bad UTF-8 in the token": {200, strings.Replace(good, `"at"`, "\"\xff\"", 1), providers.Unknown},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client.Answers(t, open, clienttest.Said{Status: tc.status, Body: tc.body, Refresh: tc.kind})
		})
	}
}

func TestEverywhere(t *testing.T) {
	t.Parallel()
	client.Everywhere(t, open(t, clienttest.DeadHost))
}

func TestOpen(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		Text        string
		Environment string
		Problems    []string // none: it opens
	}{
		"production":      {`{"api_secret":"s"}`, "production", nil},
		"sandbox":         {`{"api_secret":"s"}`, "sandbox", nil},
		"base_url":        {`{"api_secret":"s","base_url":"https://x.example","note":1}`, "", nil},
		"no environment":  {`{"api_secret":"s"}`, "", []string{"base_url is missing"}},
		"no secret":       {`{"base_url":"https://x.example"}`, "production", []string{"api_secret is missing"}},
		"blank secret":    {`{"api_secret":" "}`, "production", []string{"api_secret is not a text"}},
		"both are wrong":  {`{"api_secret":7,"base_url":"http://planted-reply.example"}`, "production", []string{"api_secret", "base_url"}},
		"no JSON":         {`secret_test_x`, "production", []string{"not a JSON object"}},
		"key in capitals": {`{"API_SECRET":"secret_test_x"}`, "production", []string{"api_secret is missing"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client.Opens(t, clienttest.Credentials{Text: tc.Text, Environment: tc.Environment, Problems: tc.Problems})
		})
	}
}
