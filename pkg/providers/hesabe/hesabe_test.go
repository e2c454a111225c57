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

	"tokenrefresh/internal/plant"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/hesabe"
	"tokenrefresh/pkg/providers/internal/clienttest"
	"tokenrefresh/pkg/secret"
)

// documented is the sample reply of developer.hesabe.com, post-refresh-token.
//
//go:embed testdata/refresh.json
var documented string

var client = clienttest.Client{
	New:     hesabe.New,
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
	_, err := session.Refresh(t.Context(), secret.New(`planted-refresh"<&`))
	assert.Check(t, err)
	_, err = session.Login(t.Context())
	assert.Check(t, err)
	calls := host.Calls()
	assert.Assert(t, len(calls) == 2, "%d calls, want 2", len(calls))
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
			_, ok := calls[i].Header[name]
			assert.Check(t, !ok, "%s: header %s is sent", path, name)
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
	anonymous   = `{"message":"Unauthenticated."}`
	league      = `{"error":"invalid_request","error_description":"planted-reply","hint":"Token has been revoked","message":"The refresh token is invalid."}`
)

// What is Hesabe's own; package verdict tests what all answers have in common.
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
	client.Answers(t, open, map[string]clienttest.Said{
		"good":                                {200, good, ok, ok},
		"good, 201":                           {201, good, ok, ok},
		"dead":                                {404, notFound, refused, misconfigured},
		"dead, 400":                           {400, notFound, refused, misconfigured},
		"dead, 200":                           {200, notFound, refused, misconfigured},
		"bad signature":                       {401, badLogin, maybe, misconfigured},
		"invalid data":                        {422, invalidData, maybe, misconfigured},
		"message is an object":                {401, localised, maybe, misconfigured},
		"laravel/passport #1605: league's no": {401, league, refused, misconfigured},
		"laravel/passport #1424: unauthenticated": {401, anonymous, maybe, misconfigured},
		"its own 404 in other words":              {404, `{"status":false,"message":"planted-reply","response":null}`, maybe, misconfigured},
		"its own no, status as text":              {404, strings.Replace(notFound, "false", `"false"`, 1), refused, misconfigured},
		"a gateway's 404 in the same words":       {404, `{"message":"Request not found, Please verify the request data"}`, away, away},
		"too many, 200":                           {200, `{"status":false,"message":"Too Many Attempts."}`, limited, limited},
		"error, 200":                              {200, `{"error":"invalid_request","message":"planted-reply"}`, unknown, unknown},
		"404 without status":                      {404, `{"message":"planted-reply"}`, away, away},
		"404 without a word":                      {404, `{"status":false}`, maybe, misconfigured},
		"404 with status true":                    {404, `{"status":true}`, away, away},
		"404 in bad UTF-8":                        {404, "{\"status\":false,\"message\":\"\xff\"}", maybe, misconfigured},
		"address filter in JSON":                  {403, badLogin, away, away},
		"conflict":                                {409, notFound, unknown, unknown},
		"broken, though it has a status":          {500, notFound, unknown, unknown},
		"cut in its refresh token":                {200, good[:len(good)-4], unknown, unknown},
		"cut in its access token":                 {200, good[:strings.Index(good, `at","refresh`)], unknown, unknown},
		"bad UTF-8":                               {200, strings.Replace(good, `"at"`, "\"a\xfft\"", 1), unknown, unknown},
		"no token":                                {200, `{"status":true,"message":"Success","response":{"token":{}}}`, unknown, unknown},
		"no response":                             {200, `{"status":true,"message":"Success","response":null}`, unknown, unknown},
	})
}

func TestOddReplies(t *testing.T) {
	t.Parallel()
	const quarter = 15 * time.Minute
	client.Reads(t, open(t, "http://127.0.0.1"), map[string]clienttest.Reading{
		"no new refresh token": {strings.Replace(good, `"planted-reply"`, `null`, 1), "", quarter, 0, "no refresh_token"},
		"no expires_in":        {strings.Replace(good, `"expires_in":900,`, ``, 1), "planted-reply", quarter, 0, "15m0s is assumed"},
		"message of any type":  {strings.Replace(good, `"Success"`, `{"en":[]}`, 1), "planted-reply", quarter, 0, ""},
		"status as text":       {strings.Replace(good, `true`, `"true"`, 1), "planted-reply", quarter, 0, ""},
		"status as number":     {strings.Replace(good, `true`, `1`, 1), "planted-reply", quarter, 0, ""},
		"status false":         {strings.Replace(good, `true`, `false`, 1), "planted-reply", quarter, 0, "status is not true"},
		"no status":            {`{"response":{"token":` + token + `}}`, "planted-reply", quarter, 0, "status is not true"},
		"tokens elsewhere":     {`{"status":true,"token":` + token + `}`, "planted-reply", quarter, 0, "not where they should be"},
		"OAuth-Apis/apis #56":  {strings.Replace(good, `900`, `900000`, 1), "planted-reply", quarter, 0, "milliseconds"},
	})
}

func TestOpen(t *testing.T) {
	t.Parallel()
	client.Opens(t, map[string]clienttest.Credentials{
		"all":                  {`{"username":"u","password":"p","base_url":"https://x.example"}`, "", true, nil},
		"no base_url":          {`{"username":"u","password":"p"}`, "production", true, nil},
		"unknown keys":         {`{"username":"u","password":"p","note":7}`, "sandbox", true, nil},
		"base_url alone":       {`{"base_url":"https://x.example"}`, "production", false, nil},
		"nulls":                {`{"username":null,"password":null,"base_url":"https://x.example"}`, "production", false, nil},
		"no environment":       {`{"username":"u","password":"p"}`, "staging", false, []string{"base_url is missing"}},
		"username alone":       {`{"username":"planted-user","base_url":"https://x.example"}`, "production", false, []string{"password is missing"}},
		"password alone":       {`{"password":"planted-password"}`, "production", false, []string{"username is missing"}},
		"blank password":       {`{"username":"u","password":" "}`, "production", false, []string{"password is not a text"}},
		"keys in another case": {`{"Username":"planted-user","Password":"planted-password"}`, "production", false, []string{"username is", "password is"}},
		"everything":           {`{"username":7,"base_url":"http://planted-user.example"}`, "", false, []string{"username", "password", "base_url"}},
		"no JSON":              {`planted-password`, "production", false, []string{"not a JSON object"}},
	}, nil)
}

func FuzzRead(f *testing.F) {
	client.FuzzRead(f, open(f, clienttest.DeadHost), true,
		documented, good, notFound, badLogin, invalidData, localised, anonymous, league, clienttest.Page, "", "null",
		`{"response":{"token":[]}}`, `{"status":false,"response":{"token":`+token+`}}`,
	)
}

func FuzzOpen(f *testing.F) {
	client.FuzzOpen(f,
		`{"username":"`+plant.Marker+`","password":"`+plant.Marker+`"}`,
		`{"username":"u","password":"`+plant.Marker+`","base_url":"https://api.example/hesabe/"}`,
		`{"base_url":"http://[::1]:8080"}`,
		`{"username":7,"base_url":"http://`+plant.Marker+`.example"}`,
	)
}
