package oauth2_test

import (
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/plant"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/internal/clienttest"
)

// everything has every field.
const everything = `{"token_url":"https://x.example/t/token?v=2","client_id":"i","client_secret":"planted-secret",
	"token_endpoint_auth_method":"client_secret_post","refresh_params":{"scope":"a b","n":7,"b":true},
	"login_params":{"grant_type":"password","username":"u","password":"planted-password"},"refresh_token_reuse":1800,
	"introspection_url":"https://x.example/i","probe_url":"https://x.example/me","last_resort":true,"expires_in":3600,
	"publish":["instance_url","scope"],"auth_url":"https://x.example/a?p=1","auth_scope":"a b","redirect_uri":"https://here.example","no_pkce":true}`

func TestOpen(t *testing.T) {
	t.Parallel()
	const start = `{"token_url":"https://x.example/token","client_id":"i"`
	never, always := time.Duration(0), providers.Always
	cases := map[string]struct {
		text     string
		login    bool
		ask      bool
		last     bool
		reuse    time.Duration
		problems []string // none: it opens
	}{
		"everything":      {everything, true, false, false, 30 * time.Minute, nil},
		"public client":   {start + `}`, false, false, false, never, nil},
		"never":           {start + `,"refresh_token_reuse":"never"}`, false, false, false, never, nil},
		"always":          {start + `,"refresh_token_reuse":" always "}`, false, false, false, always, nil},
		"seconds as text": {start + `,"refresh_token_reuse":"600"}`, false, false, false, 10 * time.Minute, nil},
		"last resort":     {start + `,"last_resort":true}`, false, false, true, never, nil},
		"introspection":   {start + `,"introspection_url":"http://127.0.0.1:1/i"}`, false, true, false, never, nil},
		"nulls":           {start + `,"client_secret":null,"login_params":null,"publish":null,"expires_in":null}`, false, false, false, never, nil},
		"unknown grant":   {start + `,"login_params":{"grant_type":"account_credentials","account_id":7}}`, true, false, false, never, nil},
		"nothing of use": {`{"x":1}`, false, false, false, 0, []string{
			"token_url is missing", "client_id is missing",
		}},
		"all mistakes at once": {
			`{"token_url":"http://x.example","client_id":" ","client_secret":7,"token_endpoint_auth_method":"planted","refresh_params":{"client_id":"planted"},
			"login_params":{"scope":"planted"},"refresh_token_reuse":"planted","introspection_url":"planted","probe_url":"https://u:planted@x",
			"last_resort":"planted","expires_in":5,"publish":["refresh_token"],"auth_url":"planted","redirect_uri":"http://planted.example","no_pkce":7}`, false, false, false, 0, []string{
				"token_url must begin with https", "client_id is not a text", "client_secret is not a text", "token_endpoint_auth_method is none of",
				"refresh_params must not set client_id", "login_params: grant_type is missing", "refresh_token_reuse is none of",
				"introspection_url is not a URL", "probe_url must not hold a user", "last_resort is neither", "expires_in is not a number",
				"publish must not name refresh_token", "auth_url is not a URL", "redirect_uri must begin with https", "no_pkce is neither",
			},
		},
		"secret of a public client": {start + `,"client_secret":"planted","token_endpoint_auth_method":"none"}`, false, false, false, 0, []string{"client_secret is given"}},
		"Basic without a secret":    {start + `,"token_endpoint_auth_method":"client_secret_basic"}`, false, false, false, 0, []string{"client_secret is missing"}},
		"fragment":                  {`{"token_url":"https://x.example/#planted","client_id":"i"}`, false, false, false, 0, []string{"token_url must not have a fragment"}},
		"code as a login":           {start + `,"login_params":{"grant_type":"authorization_code","code":"planted"}}`, false, false, false, 0, []string{"no login that can be repeated"}},
		"no password":               {start + `,"login_params":{"grant_type":"password","username":"planted"}}`, false, false, false, 0, []string{"login_params: password is missing"}},
		"list as a parameter":       {start + `,"refresh_params":{"scope":["planted"]}}`, false, false, false, 0, []string{`refresh_params: "scope" is not a text`}},
		"no reuse":                  {start + `,"refresh_token_reuse":0}`, false, false, false, 0, []string{"refresh_token_reuse is none of"}},
		"a year of reuse":           {start + `,"refresh_token_reuse":31536000}`, false, false, false, 0, []string{"refresh_token_reuse is none of"}},
		"no object":                 {start + `,"login_params":"planted"}`, false, false, false, 0, []string{"login_params is not an object"}},
	}
	all := map[string]clienttest.Credentials{}
	for name, tc := range cases {
		all[name] = clienttest.Credentials{Text: tc.text, Login: tc.login, Problems: tc.problems}
	}
	client.Opens(t, all, func(name string, session providers.Session) {
		tc := cases[name]
		got, want := providers.AgainOf(session), (providers.Again{Reuse: tc.reuse, Asks: tc.ask, LastResort: tc.last})
		assert.Check(t, got == want, "%s: %+v, want %+v", name, got, want)
	})
}

func FuzzRead(f *testing.F) {
	client.FuzzRead(f, open(f, clienttest.DeadHost, ""), true,
		good, `{"access_token":"at","instance_url":"https://x.example"}`, "access_token=at&expires_in=28800&refresh_token=rt",
		"error=bad_refresh_token&error_description=x", `{"ok":false,"error":"token_expired"}`, `{"error":"server_error"}`,
		`{"error":{"code":"invalid_grant"}}`, `{"error":"invalid_code"}`, `{"status":"BAD_REFRESH_TOKEN","message":"x"}`,
		`{"error":"x","refresh_token":"long-enough"}`, `{"error":"invalid_token"}`, "", "null", "<html>",
	)
}

func FuzzOpen(f *testing.F) {
	client.FuzzOpen(f,
		everything,
		`{"token_url":"https://x.example/token?tenant=1","client_id":"i"}`,
		`{"token_url":"https://x.example/`+plant.Marker+`#x","client_id":7,"publish":[""]}`,
		`{"token_url":"https://x.example","client_id":"i","client_secret":"&+/ %:","login_params":{"grant_type":"client_credentials"}}`,
		`{"token_url":"https://x.example","client_id":"i","refresh_params":{"a":[],"b":true,"c":1.5},"refresh_token_reuse":"7"}`,
	)
}
