package tconnect_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/aes"
	"tokenrefresh/pkg/providers/internal/clienttest"
	"tokenrefresh/pkg/secret"
)

func TestRequests(t *testing.T) {
	t.Parallel()
	modes := map[string]struct {
		changes map[string]any
		mode    aes.Mode
		iv      string
	}{
		"default": {nil, aes.Prefix, ""},
		"fixed":   {map[string]any{"aes_iv": iv}, aes.Fixed, iv},
		"zero":    {map[string]any{"aes_iv_mode": "zero"}, aes.Zero, ""},
		"key":     {map[string]any{"aes_iv_mode": "key"}, aes.FromKey, ""},
	}
	for name, tc := range modes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host := clienttest.New(t, clienttest.Answer{Status: 200, Body: flat})
			changes := map[string]any{"login_extra": map[string]any{"grant_type": "password", "scopes": []any{"x"}}}
			for field, value := range tc.changes {
				changes[field] = value
			}
			session := open(t, host.URL, changes)
			_, err := session.Refresh(t.Context(), secret.New("planted-refresh"))
			assert.Check(t, err)
			_, err = session.Login(t.Context())
			assert.Check(t, err)
			calls := host.Calls()
			assert.Assert(t, len(calls) == 2, "%d calls, want 2", len(calls))
			wants := []map[string]any{
				{"refresh_token": "planted-refresh"},
				{
					"username": "planted-user", "password": "planted-password", "client_id": "planted-client",
					"client_secret": "planted-secret", "grant_type": "password", "scopes": []any{"x"},
				},
			}
			for i, path := range []string{"/openapi/v1/auth/refresh", "/openapi/v1/auth/login"} {
				call := calls[i]
				var body map[string]string
				err := json.Unmarshal([]byte(call.Body), &body)
				assert.Assert(t, err == nil && len(body) == 1, "body %s: %v", call.Body, err)
				plain, err := cipher(t, key, tc.mode, tc.iv).DecryptHex(body["data"])
				assert.NilError(t, err)
				var payload map[string]any
				assert.NilError(t, json.Unmarshal(plain, &payload))
				if diff := cmp.Diff(wants[i], payload); diff != "" || call.Path != path || call.Method != http.MethodPost {
					t.Errorf("%s %s (-want +got):\n%s", call.Method, call.Path, diff)
				}
				if call.Header.Get("Partner-Code") != "planted-partner" || call.Header.Get("Authorization") != "" {
					t.Errorf("headers %v", call.Header)
				}
			}
		})
	}
}

// The bytes on the wire, as OpenSSL makes them.
func TestRefreshMatchesOpenSSL(t *testing.T) {
	t.Parallel()
	host := clienttest.New(t, clienttest.Answer{Status: 200, Body: flat})
	_, err := open(t, host.URL, map[string]any{"aes_iv": iv}).Refresh(t.Context(), secret.New("rt-0001"))
	assert.NilError(t, err)
	const want = `{"data":"9f6f190d98b4bdf561868f8fe6302774f5dd54ebea6115de8857f58c72e65d4f"}`
	got := host.Calls()[0].Body
	assert.Check(t, got == want, "body = %s, want %s", got, want)
}
