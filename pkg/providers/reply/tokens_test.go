package reply_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/pkg/providers/reply"
)

// jwt makes an unsigned token of claims.
func jwt(claims string) string {
	return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
}

func TestTokens(t *testing.T) {
	t.Parallel()
	const (
		quarter = 15 * time.Minute
		missing = "expires_in is missing: 15m0s is assumed"
		expired = "expires_in is missing or no number of seconds: the access token counts as expired"
		itself  = "expires_in is missing or no number of seconds: the access token's own claims count"
		shorter = "expires_in is 10m0s longer than the access token's own claims: the shorter counts"
		noNew   = "the reply has no refresh_token, although a new one was expected"
	)
	none, rotating := reply.Rules{}, reply.Rules{Lifetime: quarter, Rotates: true}
	token := func(claims string) string { return `{"access_token":"` + jwt(claims) + `"` }
	type row struct {
		body          string
		rules         reply.Rules
		refresh, kind string
		lifetime      time.Duration
		warnings      []string
	}
	cases := map[string]row{
		"all is well":                      {`{"access_token":"at","refresh_token":"rt","token_type":"bearer","expires_in":900}`, rotating, "rt", "bearer", quarter, nil},
		"bare":                             {`{"access_token":"at"}`, none, "", "Bearer", 0, []string{expired}},
		"bare, of a provider that rotates": {`{"access_token":"at"}`, rotating, "", "Bearer", quarter, []string{noNew, missing}},
		"blank refresh token":              {`{"access_token":"at","refresh_token":" ","expires_in":900}`, rotating, "", "Bearer", quarter, []string{noNew}},
		"null refresh token":               {`{"access_token":"at","refresh_token":null,"expires_in":900}`, none, "", "Bearer", quarter, nil},
		"type of a wrong type":             {`{"access_token":"at","token_type":[],"expires_in":900}`, none, "", "Bearer", quarter, nil},
		"other type of token":              {`{"access_token":"at","token_type":"planted","expires_in":900}`, none, "", "planted", quarter, []string{"token_type is not Bearer"}},
		"a JWT that lives shorter":         {token(`{"iat":1760421423.5,"exp":1760421723.75}`) + `,"expires_in":900}`, none, "", "Bearer", 300250 * time.Millisecond, []string{shorter}},
		"a JWT that lives longer":          {token(`{"iat":1,"exp":100000}`) + `,"expires_in":900}`, none, "", "Bearer", quarter, nil},
		"a JWT alone":                      {token(`{"iat":"100","exp":"400"}`) + `,"refresh_token":"rt"}`, rotating, "rt", "Bearer", 5 * time.Minute, []string{itself}},
	}
	for claims, name := range map[string]string{
		`{"exp":1760421723}`:                "no iat, and exp long ago",
		`{"iat":1760421723}`:                "no exp",
		`{"iat":200,"exp":100}`:             "exp before iat",
		`{"iat":200,"exp":200}`:             "exp is iat",
		`{"iat":0,"exp":1760421723}`:        "exp without an era",
		`{"iat":{},"exp":[]}`:               "wrong types",
		`{"iat":"NaN","exp":"Inf"}`:         "no numbers",
		`[]`:                                "no object",
		"{\"iat\":1,\"exp\":2,\"x\":\"\xff": "bad UTF-8",
	} {
		cases["a JWT with "+name] = row{token(claims) + `,"expires_in":900}`, none, "", "Bearer", quarter, nil}
	}
	for name, tc := range cases {
		d := reply.Read(tc.body)
		got, unreadable, ok := d.Tokens(sent, time.Time{}, tc.rules)
		assert.Check(t, ok && !unreadable && got.AccessToken.Reveal() == d.Root.Text("access_token") && got.IssuedAt.Equal(sent) &&
			got.RefreshToken.Reveal() == tc.refresh && got.TokenType == tc.kind && got.AccessExpiresAt.Sub(sent) == tc.lifetime,
			"%s: %+v, %v", name, got, ok)
		assert.Check(t, is.DeepEqual(got.Warnings, tc.warnings), name)
	}
}

// FuzzTokens: no token lives for ever, whatever the reply or the token's own claims say.
func FuzzTokens(f *testing.F) {
	for _, body := range []string{
		`{"access_token":"at","refresh_token":"rt","token_type":"Bearer","expires_in":900}`,
		`{"access_token":"at","refresh_token":" ","token_type":"mac","expires_in":"1e3"}`,
		`{"access_token":"a","expires_in":-1,"transaction_id":1.5e3}`, `{"access_token":"a","expires_in":1e300,"transaction_id":"9"}`,
		`null`, `{"access_token":"\ud800"}`, "{\"a\":\"\xff\"}", "\ufeff{}",
	} {
		f.Add(body, `{"iat":1760421423.5,"exp":1760421723.75}`)
	}
	for _, claims := range []string{`{"iat":1,"exp":"1e9"}`, `{"iat":-1e308,"exp":1e308}`, `{"iat":5,"exp":4}`, `{"exp":1}`, `[]`, ``} {
		f.Add(`{"expires_in":900}`, claims)
	}
	sent := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, body, claims string) {
		d := reply.Read(body)
		assert.Check(t, d.Root.ID("transaction_id") >= 0, "negative ID")
		tokens, unreadable, ok := d.Tokens(sent, sent, reply.Rules{Lifetime: time.Minute, Rotates: true})
		life := tokens.AccessExpiresAt.Sub(sent)
		access, refresh := tokens.AccessToken.Reveal(), tokens.RefreshToken.Reveal()
		switch {
		case !ok && (d.Token() != nil || unreadable):
			t.Errorf("no tokens, but an object that holds them: %q", body)
		case !ok:
		case access == "" || strings.TrimSpace(access) != access || strings.ContainsFunc(access, unicode.IsControl):
			t.Errorf("access token %q of %q", access, body)
		case strings.ContainsFunc(strings.TrimSpace(refresh), unicode.IsControl) || strings.ContainsRune(refresh, utf8.RuneError):
			t.Errorf("refresh token %q of %q", refresh, body)
		case unreadable && refresh != "":
			t.Errorf("refresh token %q, and an unreadable one, of %q", refresh, body)
		case life < 0 || life > 30*24*time.Hour:
			t.Errorf("lifetime %s of %q", life, body)
		case life == 0 && len(tokens.Warnings) == 0:
			t.Errorf("expired without a warning: %q", body)
		case tokens.RefreshToken.Blank() && !tokens.RefreshToken.IsZero():
			t.Errorf("blank refresh token of %q", body)
		}

		// The same reply with a JWT: its claims never lengthen its life, unless nothing else names
		// one.
		o, err := reply.Parse(body)
		if err != nil {
			assert.Check(t, errors.Is(err, reply.ErrUnreadable) && err.Error() == reply.ErrUnreadable.Error(),
				"%q: %v", body, err)
			return
		}
		if _, is := o.Seconds("expires_in"); is != reply.Usable {
			return
		}
		with := func(token string) time.Time {
			changed := maps.Clone(o)
			changed["access_token"] = json.RawMessage(`"` + token + `"`)
			text, err := json.Marshal(changed)
			assert.NilError(t, err)
			got, _, ok := reply.Read(string(text)).Tokens(sent, sent, reply.Rules{Lifetime: time.Minute})
			assert.Check(t, ok, "no tokens in %s", text)
			return got.AccessExpiresAt
		}
		if spoken := with(jwt(claims)); spoken.After(with("opaque")) || spoken.Before(sent) {
			t.Errorf("%q with claims %q expires at %s", body, claims, spoken)
		}
	})
}
