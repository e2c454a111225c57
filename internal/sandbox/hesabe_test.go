package sandbox_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/sandbox"
)

const (
	hesabeNotFound = `{"status":false,"message":"Request not found, Please verify the request data","response":null}`
	hesabeBadLogin = `{"status":false,"message":"Invalid Signature.","response":null}`
)

func TestHesabeSuccess(t *testing.T) {
	t.Parallel()
	c := newClock()
	b := start(t, sandbox.Options{Now: c.Now})
	got := b.login(t.Context(), sandbox.Hesabe)
	first := tokens(t, got)
	want := `{"status":true,"message":"Success","response":{"token":{"token_type":"Bearer","expires_in":900,` +
		`"access_token":"` + first.AccessToken + `","refresh_token":"` + first.RefreshToken + `"}}}`
	assert.Check(t, got.body == want, "login replied %s, want %s", got.body, want)
	for name, want := range map[string]string{
		"Content-Type": jsonType, "Cache-Control": "no-store", "Pragma": "no-cache", "Date": "Tue, 14 Oct 2025 06:03:43 GMT",
	} {
		v := got.header.Get(name)
		assert.Check(t, v == want, "%s: %q, want %q", name, v, want)
	}
	second := tokens(t, b.refresh(t.Context(), sandbox.Hesabe, first.RefreshToken))
	assert.Check(t, second != first, "the refresh handed out the same tokens")
}

func TestHesabeTokens(t *testing.T) {
	t.Parallel()
	b := start(t, sandbox.Options{Now: newClock().Now})
	pair := b.Issue(sandbox.Hesabe)
	assert.Check(t, regexp.MustCompile(`^def50200[0-9a-f]{706}$`).MatchString(pair.RefreshToken),
		"refresh token %q", pair.RefreshToken)
	parts := strings.Split(pair.AccessToken, ".")
	assert.Assert(t, len(parts) == 3, "the access token has %d parts", len(parts))
	var part [2]string
	for i := range part {
		raw, err := base64.RawURLEncoding.DecodeString(parts[i])
		assert.NilError(t, err)
		part[i] = string(raw)
	}
	if want := `{"typ":"JWT","alg":"RS256"}`; part[0] != want {
		t.Errorf("header %s, want %s", part[0], want)
	}
	claims := parse(t, part[1])
	jti, _ := claims["jti"].(string)
	assert.Check(t, regexp.MustCompile(`^[0-9a-f]{80}$`).MatchString(jti), "jti %q", jti)
	delete(claims, "jti")
	want := map[string]any{
		"aud": "2", "sub": "84", "scopes": []any{"*"},
		"iat": json.Number("1760421823.311623"), "nbf": json.Number("1760421823.311625"), "exp": json.Number("1760422723.296623"),
	}
	assert.Check(t, is.DeepEqual(claims, want))
}

func TestHesabeInput(t *testing.T) {
	t.Parallel()
	part := func(name, value string) (string, string) {
		var body bytes.Buffer
		w := multipart.NewWriter(&body)
		assert.NilError(t, w.WriteField(name, value))
		assert.NilError(t, w.Close())
		return w.FormDataContentType(), body.String()
	}
	cases := []struct {
		name    string
		request func(token string) (kind, body string, header []string)
		want    int
	}{
		{name: "JSON", want: 200, request: func(token string) (string, string, []string) {
			return jsonType, object("refreshToken", token), nil
		}},
		{name: "JSON with a charset", want: 200, request: func(token string) (string, string, []string) {
			return jsonType + "; charset=utf-8", object("refreshToken", token), nil
		}},
		{name: "urlencoded", want: 200, request: func(token string) (string, string, []string) {
			return formType, url.Values{"refreshToken": {token}}.Encode(), nil
		}},
		{name: "multipart", want: 200, request: func(token string) (string, string, []string) {
			kind, body := part("refreshToken", token)
			return kind, body, nil
		}},
		{name: "header", want: 404, request: func(token string) (string, string, []string) {
			return jsonType, "{}", []string{"refreshToken", token}
		}},
		{name: "JSON without its content type", want: 404, request: func(token string) (string, string, []string) {
			return "text/plain", object("refreshToken", token), nil
		}},
		{name: "wrong name", want: 404, request: func(token string) (string, string, []string) {
			return jsonType, object("refresh_token", token), nil
		}},
		{name: "number", want: 404, request: func(string) (string, string, []string) {
			return jsonType, `{"refreshToken":1}`, nil
		}},
		{name: "not JSON", want: 404, request: func(token string) (string, string, []string) {
			return jsonType, token, nil
		}},
		{name: "broken multipart", want: 404, request: func(token string) (string, string, []string) {
			return "multipart/form-data; boundary=x", "--y\r\n" + token, nil
		}},
		{name: "unknown token", want: 404, request: func(string) (string, string, []string) {
			return jsonType, object("refreshToken", "def50200"), nil
		}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := start(t, sandbox.Options{})
			kind, body, header := tc.request(b.Issue(sandbox.Hesabe).RefreshToken)
			got := b.hesabe(t.Context(), "token-refresh", kind, body, header...)
			assert.Assert(t, got.err == nil && got.status == tc.want,
				"status %d, error %v; want %d", got.status, got.err, tc.want)
			if tc.want == http.StatusNotFound && got.body != hesabeNotFound {
				t.Errorf("body %s", got.body)
			}
		})
	}
}

func TestHesabeLogin(t *testing.T) {
	t.Parallel()
	b := start(t, sandbox.Options{})
	creds := b.credentials(sandbox.Hesabe)
	cases := []struct {
		name, body string
		status     int
		want       string
	}{
		{"wrong password", object("username", creds["username"], "password", "x"), 401, hesabeBadLogin},
		{"wrong user", object("username", "x", "password", creds["password"]), 401, hesabeBadLogin},
		{"no password", object("username", creds["username"]), 404, hesabeNotFound},
		{"no user", object("password", creds["password"]), 404, hesabeNotFound},
		{"empty", "", 404, hesabeNotFound},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			replied(tc.status, tc.want)(t, b.hesabe(t.Context(), "login", jsonType, tc.body))
		})
	}
}

// A refresh ends the old refresh token and the old access token at once, and a replay
// harms nobody but the one who tries it.
func TestHesabeRotation(t *testing.T) {
	t.Parallel()
	b := start(t, sandbox.Options{})
	first := b.Issue(sandbox.Hesabe)
	assert.Assert(t, b.Valid(sandbox.Hesabe, first.AccessToken), "the first access token is not valid")
	second := tokens(t, b.refresh(t.Context(), sandbox.Hesabe, first.RefreshToken))
	assert.Check(t, !b.Valid(sandbox.Hesabe, first.AccessToken), "the old access token outlived the refresh")
	for range 2 {
		replied(http.StatusNotFound, hesabeNotFound)(t, b.refresh(t.Context(), sandbox.Hesabe, first.RefreshToken))
	}
	got := b.Stats(sandbox.Hesabe).Replays
	assert.Check(t, got == 2, "%d replays counted, want 2", got)
	assert.Check(t, b.Valid(sandbox.Hesabe, second.AccessToken), "the replay ended the new access token")
	tokens(t, b.refresh(t.Context(), sandbox.Hesabe, second.RefreshToken))
}

func TestHesabeExpiry(t *testing.T) {
	t.Parallel()
	c := newClock()
	b := start(t, sandbox.Options{Now: c.Now, Lifetimes: map[sandbox.Provider]sandbox.Lifetime{
		sandbox.Hesabe: {Access: time.Minute, Refresh: time.Hour},
	}})
	pair := b.Issue(sandbox.Hesabe)
	c.add(59 * time.Second)
	assert.Check(t, b.Valid(sandbox.Hesabe, pair.AccessToken), "expired early")
	c.add(time.Second)
	assert.Check(t, !b.Valid(sandbox.Hesabe, pair.AccessToken), "valid after its end")
	c.add(59 * time.Minute)
	replied(http.StatusNotFound, hesabeNotFound)(t, b.refresh(t.Context(), sandbox.Hesabe, pair.RefreshToken))
	got := b.Stats(sandbox.Hesabe).Replays
	assert.Check(t, got == 0, "%d replays counted for an expired token", got)
}
