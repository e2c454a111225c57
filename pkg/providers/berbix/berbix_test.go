package berbix_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gotest.tools/v3/assert"

	"tokenrefresh/internal/plant"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/berbix"
	"tokenrefresh/pkg/providers/internal/clienttest"
	"tokenrefresh/pkg/secret"
)

// client shows neither of the tokens, nor the API secret, nor that as it is sent.
var client = clienttest.Client{
	New:     berbix.New,
	Planted: []string{"planted-refresh", "planted-reply", "secret_test_x", "c2VjcmV0X3Rlc3RfeDo"},
}

const (
	good = `{"entity":"token","transaction_id":1234567890123,"access_token":"at","client_token":"ct",` +
		`"expires_in":3600,"token_type":"Bearer"}`
	failed = `{"status":401,"reason":"planted-reply","message":"planted-reply"}`
)

func open(tb testing.TB, base string) providers.Session {
	tb.Helper()
	return client.Session(tb, `{"api_secret":"secret_test_x","base_url":"`+base+`"}`)
}

func TestRequest(t *testing.T) {
	t.Parallel()
	host := clienttest.New(t, clienttest.Answer{Status: 200, Body: good})
	_, err := open(t, host.URL).Refresh(t.Context(), secret.New("planted-refresh"))
	assert.NilError(t, err)
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
	client.Reads(t, open(t, clienttest.DeadHost), map[string]clienttest.Reading{
		"usual":                    {good, "", time.Hour, 0, ""},
		"with a refresh token":     {strings.Replace(good, "{", `{"refresh_token":"rt",`, 1), "rt", time.Hour, 0, ""},
		"with a blank one":         {strings.Replace(good, "{", `{"refresh_token":"",`, 1), "", time.Hour, 0, ""},
		"no lifetime":              {`{"access_token":"at"}`, "", 0, 0, expired},
		"lifetime negative":        {strings.Replace(good, "3600", "-5", 1), "", 0, 0, expired},
		"lifetime in words":        {strings.Replace(good, "3600", `"NaN"`, 1), "", 0, 0, expired},
		"lifetime a point in time": {strings.Replace(good, "3600", "1760422323", 1), "", 0, 0, expired},
		"lifetime beyond a day":    {strings.Replace(good, "3600", "99999999", 1), "", 24 * time.Hour, 0, "24h0m0s are assumed"},
		"in milliseconds":          {strings.Replace(good, "3600", "3600000", 1), "", time.Hour, 0, "milliseconds"},
		"unreadable refresh token": {strings.Replace(good, "{", `{"refresh_token":7,`, 1), "", time.Hour, 0, "cannot be read"},
		"line break in the token":  {strings.Replace(good, `"at"`, `"at\n"`, 1), "", time.Hour, 0, "white space"},
	})
}

// What Berbix alone answers beside a token.
func TestClientTokenAndTransaction(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]struct {
		client string
		id     int64
	}{
		good: {"ct", 1234567890123},
		strings.Replace(good, "1234567890123", `"1234567890123"`, 1): {"ct", 1234567890123},
		strings.Replace(good, "1234567890123", `{}`, 1):              {"ct", 0},
		strings.Replace(good, `"ct"`, `"ct\n"`, 1):                   {"ct", 1234567890123},
		strings.Replace(good, `"ct"`, "null", 1):                     {"", 1234567890123},
		strings.Replace(good, `"ct"`, "\"\xff\"", 1):                 {"", 1234567890123},
	} {
		got, err := open(t, clienttest.DeadHost).Decode(secret.New(body), clienttest.Now)
		if err != nil || got.AccessToken.Reveal() != "at" || got.ClientToken.Reveal() != want.client || got.TransactionID != want.id {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
	}
}

// What is Berbix's own; package verdict tests what all answers have in common.
func TestFailures(t *testing.T) {
	t.Parallel()
	cases := map[string]clienttest.Said{}
	for name, tc := range map[string]struct {
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
		"ingress-nginx":        {404, "default backend - 404", providers.TurnedAway},
		"envoy":                {404, "", providers.TurnedAway},
		"gateway in its words": {404, `{"message":"The transaction was deleted."}`, providers.TurnedAway},
		"gateway, 401":         {401, "Unauthorized", providers.TurnedAway},
		"gateway, 401 in JSON": {401, `{"message":"Unauthorized"}`, providers.MaybeRefused},
		"forbidden":            {403, failed, providers.TurnedAway},
		"page, 405":            {405, " \n" + clienttest.Page, providers.TurnedAway},
		"conflict":             {409, `{"message":{},"next_step":7}`, providers.Unknown},
		"too many, 200":        {200, `{"reason":"rate_limited"}`, providers.RateLimited},
		"no token":             {200, `{"entity":"token","expires_in":3600}`, providers.Unknown},
		"error, 200":           {200, failed, providers.Unknown},
		"cut":                  {200, good[:40], providers.Unknown},
	} {
		cases[name] = clienttest.Said{Status: tc.status, Body: tc.body, Refresh: tc.kind}
	}
	client.Answers(t, open, cases)
}

func TestOpen(t *testing.T) {
	t.Parallel()
	client.Opens(t, map[string]clienttest.Credentials{
		"production":      {`{"api_secret":"s"}`, "production", false, nil},
		"sandbox":         {`{"api_secret":"s"}`, "sandbox", false, nil},
		"base_url":        {`{"api_secret":"s","base_url":"https://x.example","note":1}`, "", false, nil},
		"no environment":  {`{"api_secret":"s"}`, "", false, []string{"base_url is missing"}},
		"no secret":       {`{"base_url":"https://x.example"}`, "production", false, []string{"api_secret is missing"}},
		"blank secret":    {`{"api_secret":" "}`, "production", false, []string{"api_secret is not a text"}},
		"both are wrong":  {`{"api_secret":7,"base_url":"http://planted-reply.example"}`, "production", false, []string{"api_secret", "base_url"}},
		"no JSON":         {`secret_test_x`, "production", false, []string{"not a JSON object"}},
		"key in capitals": {`{"API_SECRET":"secret_test_x"}`, "production", false, []string{"api_secret is missing"}},
	}, nil)
}

func FuzzRead(f *testing.F) {
	client.FuzzRead(f, open(f, clienttest.DeadHost), false,
		good, failed, clienttest.Page, "", "null", `{"access_token":"a","transaction_id":"1e3","expires_in":"x"}`,
	)
}

func FuzzOpen(f *testing.F) {
	client.FuzzOpen(f,
		`{"api_secret":"`+plant.Marker+`"}`,
		`{"api_secret":"`+plant.Marker+`","base_url":"https://api.example"}`,
		`{"api_secret":[],"base_url":"https://u:`+plant.Marker+`@api.example"}`,
	)
}
