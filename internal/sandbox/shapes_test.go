package sandbox_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/sandbox"
	"tokenrefresh/pkg/aes"
)

func TestTConnectReplyShapes(t *testing.T) {
	t.Parallel()
	b := start(t, sandbox.Options{TConnectIV: aes.Zero})
	open := func(t *testing.T, text string) string {
		t.Helper()
		plain, err := b.cipher(aes.Zero).DecryptHex(text)
		assert.Assert(t, err == nil, "%v: %s", err, text)
		return string(plain)
	}
	data := func(t *testing.T, text string) string {
		t.Helper()
		var doc struct{ Data json.RawMessage }
		assert.NilError(t, json.Unmarshal([]byte(text), &doc))
		return string(doc.Data)
	}
	unquote := func(t *testing.T, text string) string {
		t.Helper()
		var s string
		assert.NilError(t, json.Unmarshal([]byte(text), &s))
		return s
	}
	cases := []struct {
		name  string
		shape sandbox.ReplyShape
		plain func(t *testing.T, body string) string
	}{
		{"plain", sandbox.Plain, func(_ *testing.T, body string) string { return body }},
		{"wrapped", sandbox.Wrapped, data},
		{"encrypted data", sandbox.EncryptedData, func(t *testing.T, body string) string {
			t.Helper()
			return open(t, unquote(t, data(t, body)))
		}},
		{"bare hex", sandbox.BareHex, open},
		{"quoted hex", sandbox.QuotedHex, func(t *testing.T, body string) string {
			t.Helper()
			return open(t, unquote(t, body))
		}},
	}
	for _, tc := range cases { // one after the other: each injects into the same queue
		b.Inject(sandbox.TConnect, sandbox.Login, 1, sandbox.ReplyAs(tc.shape))
		got := b.login(t.Context(), sandbox.TConnect)
		assert.Assert(t, got.err == nil && got.status == http.StatusOK,
			"%s: %d, error %v", tc.name, got.status, got.err)
		access, _ := parse(t, tc.plain(t, got.body))["access_token"].(string)
		assert.Check(t, b.Valid(sandbox.TConnect, access), "%s: access token %q in %s", tc.name, access, got.body)
	}
}

func TestTConnectErrorShapes(t *testing.T) {
	t.Parallel()
	plain := keycloak("invalid_grant", "Invalid refresh token")
	wrapper := `{"code":400,"message":"Invalid refresh token","data":null}`
	cases := []struct {
		name   string
		shape  sandbox.ErrorShape
		status int
		want   string
	}{
		{"Keycloak", sandbox.Keycloak, 400, plain},
		{"wrapper", sandbox.Wrapper, 400, wrapper},
		{"Keycloak with 200", sandbox.KeycloakOK, 200, plain},
		{"wrapper with 200", sandbox.WrapperOK, 200, wrapper},
	}
	b := start(t, sandbox.Options{TConnectIV: aes.Zero})
	for _, tc := range cases {
		b.Inject(sandbox.TConnect, sandbox.Any, 1, sandbox.ErrorAs(tc.shape))
		if got := b.refresh(t.Context(), sandbox.TConnect, "x"); got.status != tc.status || got.body != tc.want {
			t.Errorf("%s: %d %s, want %d %s", tc.name, got.status, got.body, tc.status, tc.want)
		}
	}
	b.Inject(sandbox.TConnect, sandbox.Any, 1, sandbox.ErrorAs(sandbox.EncryptedError))
	want := object("data", b.cipher(aes.Zero).EncryptHex([]byte(plain)))
	if got := b.refresh(t.Context(), sandbox.TConnect, "x"); got.status != http.StatusBadRequest || got.body != want {
		t.Errorf("encrypted: %d %s, want %s", got.status, got.body, want)
	}
}

func TestTConnectWrongKey(t *testing.T) {
	t.Parallel()
	b := start(t, sandbox.Options{})
	b.Inject(sandbox.TConnect, sandbox.Any, 1, sandbox.WrongKey())
	got := b.login(t.Context(), sandbox.TConnect)
	var doc struct{ Data string }
	err := json.Unmarshal([]byte(got.body), &doc)
	assert.Assert(t, err == nil && doc.Data != "", "%v: %s", err, got.body)
	// A wrong key passes for a right one once in 256 times, but never gives JSON.
	if plain, err := b.cipher(aes.Prefix).DecryptHex(doc.Data); err == nil && json.Valid(plain) {
		t.Error("the right key opened it")
	}
}
