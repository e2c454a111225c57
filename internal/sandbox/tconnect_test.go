package sandbox_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/sandbox"
	"tokenrefresh/pkg/aes"
)

func keycloak(code, description string) string {
	return fmt.Sprintf(`{"error":%q,"error_description":%q}`, code, description)
}

func TestTConnectIVModes(t *testing.T) {
	t.Parallel()
	modes := []aes.Mode{aes.Prefix, aes.Fixed, aes.Zero, aes.FromKey}
	for _, mode := range modes {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			b := start(t, sandbox.Options{TConnectIV: mode})
			b.Inject(sandbox.TConnect, sandbox.Any, 0, sandbox.ReplyAs(sandbox.BareHex))
			plain, err := b.cipher(mode).DecryptHex(b.login(t.Context(), sandbox.TConnect).body)
			assert.NilError(t, err)
			access, _ := parse(t, string(plain))["access_token"].(string)
			assert.Check(t, b.Valid(sandbox.TConnect, access), "access token %q", access)
		})
	}
	t.Run("another than agreed", func(t *testing.T) {
		t.Parallel()
		b := start(t, sandbox.Options{TConnectIV: aes.Zero})
		got := b.tconnect(t.Context(), "refresh", object("refresh_token", b.Issue(sandbox.TConnect).RefreshToken), aes.FromKey)
		assert.Check(t, got.status == http.StatusBadRequest, "status %d: %s", got.status, got.body)
	})
	t.Run("by a fault", func(t *testing.T) {
		t.Parallel()
		b := start(t, sandbox.Options{})
		b.Inject(sandbox.TConnect, sandbox.Refresh, 1, sandbox.IVMode(aes.Zero))
		tokens(t, b.tconnect(t.Context(), "refresh", object("refresh_token", b.Issue(sandbox.TConnect).RefreshToken), aes.Zero))
	})
	t.Run("unknown", func(t *testing.T) {
		t.Parallel()
		if sb, err := sandbox.Start(sandbox.Options{TConnectIV: "random"}); err == nil {
			sb.Close()
			t.Error("started")
		}
	})
}

func TestTConnectSuccess(t *testing.T) {
	t.Parallel()
	b := start(t, sandbox.Options{})
	got := tokenFields(t, b.login(t.Context(), sandbox.TConnect))
	for _, name := range []string{"access_token", "refresh_token"} {
		text, _ := got[name].(string)
		assert.Check(t, strings.HasPrefix(text, "eyJhbGciO") && strings.Count(text, ".") == 2, "%s is %q", name, text)
		delete(got, name)
	}
	want := map[string]any{"expires_in": json.Number("36000"), "refresh_expires_in": json.Number("86400"), "token_type": "Bearer"}
	assert.Check(t, is.DeepEqual(got, want))
}

func TestTConnectRequest(t *testing.T) {
	t.Parallel()
	b := start(t, sandbox.Options{})
	creds := b.credentials(sandbox.TConnect)
	seal := func(plain string) string { return b.cipher(aes.Prefix).EncryptHex([]byte(plain)) }
	sealed := func(token string) string { return seal(object("refresh_token", token)) }
	cases := []struct {
		name   string
		header string
		body   func(token string) string
		status int
		want   string // "": any
	}{
		{"lower-case header, upper-case hex", "partner-code", func(token string) string {
			return object("data", strings.ToUpper(sealed(token)))
		}, 200, ""},
		{
			"no partner code", "X", func(token string) string { return object("data", sealed(token)) }, 401,
			keycloak("unauthorized_client", "Unknown partner"),
		},
		{
			"unquoted data", "Partner-Code", func(token string) string { return `{"data":` + sealed(token) + `}` }, 400,
			keycloak("invalid_request", "data must be a string"),
		},
		{
			"data as an object", "Partner-Code", func(string) string { return `{"data":{"refresh_token":"x"}}` }, 400,
			keycloak("invalid_request", "data must be a string"),
		},
		{
			"not encrypted", "Partner-Code", func(token string) string { return object("refresh_token", token) }, 400,
			keycloak("invalid_request", "data must be a string"),
		},
		{
			"not hex", "Partner-Code", func(token string) string { return object("data", token) }, 400,
			keycloak("invalid_request", "data cannot be decrypted"),
		},
		{
			"plaintext not JSON", "Partner-Code", func(token string) string { return object("data", seal(token)) }, 400,
			keycloak("invalid_request", "data must be a JSON object"),
		},
		{
			"no refresh token", "Partner-Code", func(string) string { return object("data", seal(`{}`)) }, 400,
			keycloak("invalid_request", "No refresh token"),
		},
		{
			"unknown refresh token", "Partner-Code", func(string) string { return object("data", sealed("x")) }, 400,
			keycloak("invalid_grant", "Invalid refresh token"),
		},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			body := tc.body(b.Issue(sandbox.TConnect).RefreshToken)
			got := b.ask(t.Context(), http.MethodPost, b.URL(sandbox.TConnect)+"/openapi/v1/auth/refresh", body,
				"Content-Type", jsonType, tc.header, creds["partner_code"])
			if got.err != nil || got.status != tc.status || tc.want != "" && got.body != tc.want {
				t.Errorf("%d %s, error %v; want %d %s", got.status, got.body, got.err, tc.status, tc.want)
			}
		})
	}
}

func TestTConnectLogin(t *testing.T) {
	t.Parallel()
	b := start(t, sandbox.Options{})
	creds := b.credentials(sandbox.TConnect)
	names := []string{"username", "password", "client_id", "client_secret"}
	wrong := map[string]string{
		"username":      keycloak("invalid_grant", "Invalid user credentials"),
		"password":      keycloak("invalid_grant", "Invalid user credentials"),
		"client_id":     keycloak("unauthorized_client", "Invalid client or Invalid client credentials"),
		"client_secret": keycloak("unauthorized_client", "Invalid client or Invalid client credentials"),
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc := []string{"grant_type", "password"} // an extra key is no harm
			for _, n := range names {
				if n != name {
					doc = append(doc, n, creds[n])
				}
			}
			got := b.tconnect(t.Context(), "login", object(doc...), aes.Prefix)
			if want := keycloak("invalid_request", "Missing parameter: "+name); got.status != http.StatusBadRequest || got.body != want {
				t.Errorf("without it: %d %s", got.status, got.body)
			}
			got = b.tconnect(t.Context(), "login", object(append(doc, name, "x")...), aes.Prefix)
			assert.Check(t, got.status == http.StatusUnauthorized && got.body == wrong[name],
				"with a wrong one: %d %s", got.status, got.body)
			tokens(t, b.tconnect(t.Context(), "login", object(append(doc, name, creds[name])...), aes.Prefix))
		})
	}
}

// A replay ends the whole session, the newest tokens included, and no other.
func TestTConnectReplayEndsSession(t *testing.T) {
	t.Parallel()
	b := start(t, sandbox.Options{})
	other := b.Issue(sandbox.TConnect)
	first := tokens(t, b.login(t.Context(), sandbox.TConnect))
	second := tokens(t, b.refresh(t.Context(), sandbox.TConnect, first.RefreshToken))
	assert.Check(t, b.Valid(sandbox.TConnect, first.AccessToken) && b.Valid(sandbox.TConnect, second.AccessToken),
		"a refresh ended an access token")
	for _, step := range []struct{ token, reason string }{
		{first.RefreshToken, "Maximum allowed refresh token reuse exceeded"},
		{second.RefreshToken, "Session not active"},
		{first.RefreshToken, "Session not active"},
	} {
		got := b.refresh(t.Context(), sandbox.TConnect, step.token)
		if want := keycloak("invalid_grant", step.reason); got.status != http.StatusBadRequest || got.body != want {
			t.Errorf("%d %s, want %s", got.status, got.body, want)
		}
	}
	assert.Check(t, !b.Valid(sandbox.TConnect, second.AccessToken), "an access token outlived its session")
	got := b.Stats(sandbox.TConnect).Replays
	assert.Check(t, got == 2, "%d replays, want 2", got)
	assert.Check(t, b.Valid(sandbox.TConnect, other.AccessToken), "another session ended too")
}

func TestTConnectExpiry(t *testing.T) {
	t.Parallel()
	c := newClock()
	b := start(t, sandbox.Options{Now: c.Now})
	pair := b.Issue(sandbox.TConnect)
	c.add(36000*time.Second - time.Second)
	assert.Check(t, b.Valid(sandbox.TConnect, pair.AccessToken), "expired early")
	c.add(700 * time.Millisecond) // its exp is in whole seconds, and rounded down
	assert.Check(t, !b.Valid(sandbox.TConnect, pair.AccessToken), "valid after its end")
	c.add(24 * time.Hour)
	got := b.refresh(t.Context(), sandbox.TConnect, pair.RefreshToken)
	if want := keycloak("invalid_grant", "Token is not active"); got.status != http.StatusBadRequest || got.body != want {
		t.Errorf("%d %s, want %s", got.status, got.body, want)
	}
}
