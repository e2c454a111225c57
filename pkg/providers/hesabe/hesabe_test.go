package hesabe_test

import (
	_ "embed"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/providers/hesabe"
	"tokenrefresh/pkg/providers/internal/clienttest"
	"tokenrefresh/pkg/secret"
)

// documented is the sample reply of developer.hesabe.com, post-refresh-token.
//
//go:embed testdata/refresh.json
var documented string

var client = clienttest.Client{
	Name: "hesabe",
	New: func(c *exchange.Client, environment string) providers.Provider {
		return hesabe.New(c, environment)
	},
	Planted: []string{"planted-user", "planted-password", "planted-refresh", "planted-reply"},
}

func open(tb testing.TB, base string) providers.Session {
	tb.Helper()
	return client.Session(tb, `{"username":"planted-user","password":"planted-password","base_url":"`+base+`"}`)
}

func TestRequests(t *testing.T) {
	t.Parallel()
	host := clienttest.New(t, clienttest.Answer{Status: 200, Body: documented})
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
		assert.Check(t, json.Unmarshal([]byte(calls[i].Body), &body))
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
	host := clienttest.New(t, clienttest.Answer{
		Status: 200, Body: documented, Header: map[string]string{"Date": "Sat, 21 Nov 2026 12:00:03 GMT"},
	})
	var sample struct {
		Response struct {
			Token map[string]any `json:"token"`
		} `json:"response"`
	}
	assert.NilError(t, json.Unmarshal([]byte(documented), &sample))
	session := open(t, host.URL)
	refreshed, err := session.Refresh(t.Context(), secret.New("planted-refresh"))
	assert.NilError(t, err)
	loggedIn, err := session.Login(t.Context())
	assert.NilError(t, err)
	// The token's own claims, floats, say 899.985 s: a hair less than expires_in.
	want := providers.Tokens{
		AccessToken:  secret.New(sample.Response.Token["access_token"].(string)),
		RefreshToken: secret.New(sample.Response.Token["refresh_token"].(string)),
		TokenType:    "Bearer", IssuedAt: clienttest.Now,
		AccessExpiresAt: clienttest.Now.Add(899985 * time.Millisecond),
		ServerDate:      clienttest.Now.Add(3 * time.Second),
	}
	for _, got := range []providers.Tokens{refreshed, loggedIn} {
		got.AccessExpiresAt = got.AccessExpiresAt.Round(time.Millisecond)
		assert.Check(t, is.DeepEqual(got, want, cmp.Comparer(func(a, b secret.String) bool { return a == b })), "tokens")
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
	league      = `{"error":"invalid_request","error_description":"planted-reply","hint":"Token has been revoked","message":"The refresh token is invalid."}`
	page        = clienttest.Page
)

func TestAnswers(t *testing.T) {
	t.Parallel()
	const (
		ok            = clienttest.Tokens
		unknown       = providers.Unknown
		refused       = providers.Refused
		maybe         = providers.MaybeRefused
		misconfigured = providers.Misconfigured
		away          = providers.TurnedAway
		limited       = providers.RateLimited
	)
	cases := map[string]struct {
		Status int
		Body   string
		// its kind for a refresh and for a login
		Refresh, Login providers.Kind
	}{
		"good":                              {200, good, ok, ok},
		"good, 201":                         {201, good, ok, ok},
		"dead":                              {404, notFound, refused, misconfigured},
		"dead, 400":                         {400, notFound, refused, misconfigured},
		"bad signature":                     {401, badLogin, maybe, misconfigured},
		"invalid data":                      {422, invalidData, maybe, misconfigured},
		"message is an object":              {401, localised, maybe, misconfigured},
		"passport #1605: league's no, 401":  {401, league, refused, misconfigured},
		"league's no, 400":                  {400, `{"error":"invalid_grant","message":"planted-reply"}`, refused, misconfigured},
		"league's no, 200":                  {200, league, refused, misconfigured},
		"passport #1424: unauthenticated":   {401, anonymous, maybe, misconfigured},
		"Laravel's list of mistakes":        {422, `{"message":"The given data was invalid.","errors":{"refreshToken":["The refresh token is invalid."]}}`, maybe, misconfigured},
		"its own 404 in other words":        {404, `{"status":false,"message":"planted-reply","response":null}`, maybe, misconfigured},
		"its own no, status as text":        {404, strings.Replace(notFound, "false", `"false"`, 1), refused, misconfigured},
		"a gateway's 404 in the same words": {404, `{"message":"Request not found, Please verify the request data"}`, away, away},
		"kong #10483":                       {404, `{"message":"no Route matched with those values"}`, away, away},
		"too many, 200":                     {200, `{"status":false,"message":"Too Many Attempts."}`, limited, limited},
		"wrong client, 401":                 {401, `{"error":"invalid_client"}`, misconfigured, misconfigured},
		"dead, 200":                         {200, notFound, refused, misconfigured},
		"error, 200":                        {200, `{"error":"invalid_request","message":"planted-reply"}`, unknown, unknown},
		"404 page":                          {404, page, away, away},
		"404 of nobody":                     {404, "", away, away},
		"404 without status":                {404, `{"message":"planted-reply"}`, away, away},
		"404 without a word":                {404, `{"status":false}`, maybe, misconfigured},
		"404 with status true":              {404, `{"status":true}`, away, away},
		"404 in bad UTF-8":                  {404, "{\"status\":false,\"message\":\"\xff\"}", maybe, misconfigured},
		"page, 401":                         {401, page, away, away},
		"address filter":                    {403, page, away, away},
		"address filter in JSON":            {403, badLogin, away, away},
		"wrong method":                      {405, broken, away, away},
		"conflict":                          {409, notFound, unknown, unknown},
		"gone":                              {410, page, away, away},
		"redirect":                          {302, page, away, away},
		"see other":                         {303, page, unknown, unknown},
		"too many":                          {429, tooMany, limited, limited},
		"too early":                         {425, "", limited, limited},
		"timeout":                           {408, notFound, unknown, unknown},
		"broken":                            {500, broken, unknown, unknown},
		"broken, though it has a status":    {500, notFound, unknown, unknown},
		"gateway":                           {502, page, unknown, unknown},
		"page, 200":                         {200, page, unknown, unknown},
		"nothing, 200":                      {200, "", unknown, unknown},
		"nothing, 204":                      {204, "", unknown, unknown},
		"cut in its refresh token":          {200, good[:len(good)-4], unknown, unknown},
		"cut in its access token":           {200, good[:strings.Index(good, `at","refresh`)], unknown, unknown},
		"bad UTF-8":                         {200, strings.Replace(good, `"at"`, "\"a\xfft\"", 1), unknown, unknown},
		"no token":                          {200, `{"status":true,"message":"Success","response":{"token":{}}}`, unknown, unknown},
		"no response":                       {200, `{"status":true,"message":"Success","response":null}`, unknown, unknown},
		"blank token":                       {200, strings.Replace(good, `"at"`, `" "`, 1), unknown, unknown},
		"token of a wrong type":             {200, strings.Replace(good, `"at"`, `7`, 1), unknown, unknown},
		"keys in another case":              {200, strings.Replace(good, "access_token", "Access_Token", 1), unknown, unknown},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client.Answers(t, open, tc)
		})
	}
}

func TestAddressFilterIsHintedAt(t *testing.T) {
	t.Parallel()
	host := clienttest.New(t, clienttest.Answer{Status: 403})
	_, err := open(t, host.URL).Refresh(t.Context(), secret.New("planted-refresh"))
	if e := client.Error(t, err, providers.TurnedAway, "refresh"); !strings.Contains(e.Error(), "address") {
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
		"status as text":       {strings.Replace(good, `true`, `"true"`, 1), "planted-reply", 900 * time.Second, ""},
		"status as number":     {strings.Replace(good, `true`, `1`, 1), "planted-reply", 900 * time.Second, ""},
		"status false":         {strings.Replace(good, `true`, `false`, 1), "planted-reply", 900 * time.Second, "status is not true"},
		"no status":            {`{"response":{"token":` + token + `}}`, "planted-reply", 900 * time.Second, "status is not true"},
		"tokens elsewhere":     {`{"status":true,"token":` + token + `}`, "planted-reply", 900 * time.Second, "not where they should be"},
		"OAuth-Apis #56":       {strings.Replace(good, `900`, `900000`, 1), "planted-reply", 900 * time.Second, "milliseconds"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := open(t, "http://127.0.0.1").Decode(secret.New(tc.body), clienttest.Now)
			if err != nil || got.RefreshToken.Reveal() != tc.refresh || !got.AccessExpiresAt.Equal(clienttest.Now.Add(tc.lifetime)) ||
				!strings.Contains(strings.Join(got.Warnings, " "), tc.warning) || (tc.warning == "") != (len(got.Warnings) == 0) {
				t.Errorf("Decode = %+v, %v", got, err)
			}
		})
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	session := open(t, "http://127.0.0.1")
	_, err := session.Decode(secret.New("planted-reply"), clienttest.Now)
	if e := client.Error(t, err, providers.Unknown, "decode"); e.Raw.Reveal() != "planted-reply" || !e.Sent.Equal(clienttest.Now) {
		t.Errorf("raw %q sent at %s", e.Raw.Reveal(), e.Sent)
	}
	_, err = session.Decode(secret.New(notFound), clienttest.Now)
	client.Error(t, err, providers.Refused, "decode")
}

// RFC 9700, 4.14.2: the presented token is spent although the new one cannot be read.
func TestUnreadableRefreshToken(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		strings.Replace(good, `"planted-reply"`, `987654321`, 1),
		strings.Replace(good, `"planted-reply"`, `{"token":"planted-reply"}`, 1),
		strings.Replace(good, `refresh_token`, `refreshToken`, 1),
		strings.Replace(good, "planted-reply", "planted-reply\xff", 1),
	} {
		host := clienttest.New(t, clienttest.Answer{Status: 200, Body: body})
		session := open(t, host.URL)
		_, err := session.Refresh(t.Context(), secret.New("planted-refresh"))
		e := client.Error(t, err, providers.Unknown, "refresh")
		if e.Partial == nil || e.Partial.AccessToken.Reveal() != "at" || !e.Partial.RefreshToken.IsZero() || e.Raw.Reveal() != body {
			t.Errorf("%s: partial %+v, raw %q", body, e.Partial, e.Raw.Reveal())
		}
		if _, err := session.Decode(e.Raw, e.Sent); providers.KindOf(err) != providers.Unknown {
			t.Errorf("%s: Decode: %v", body, err)
		}
		got, err := session.Login(t.Context())
		if err != nil || got.AccessToken.Reveal() != "at" || !got.RefreshToken.IsZero() || got.Raw.Reveal() != body || len(got.Warnings) == 0 {
			t.Errorf("%s: Login = %+v, %v", body, got, err)
		}
	}
}
