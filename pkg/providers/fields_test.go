package providers_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/secret"
)

// valid is a value of each field.
var valid = map[string]any{
	"base_url": "https://provider.example", "aes_key": strings.Repeat("0f", 32), "aes_iv": strings.Repeat("0f", 16),
	"aes_iv_mode": "fixed", "login_extra": map[string]any{"otp": "1"},
	"token_url": "https://provider.example/token", "introspection_url": "https://provider.example/i", "probe_url": "https://provider.example/me",
	"token_endpoint_auth_method": "client_secret_post", "refresh_token_reuse": "never", "refresh_params": map[string]any{"scope": "a"},
	"login_params": map[string]any{"grant_type": "client_credentials"}, "last_resort": true, "expires_in": 3600, "publish": []any{"scope"},
	"auth_url": "https://provider.example/authorize?prompt=consent", "auth_scope": "a offline_access", "redirect_uri": "https://here.example", "no_pkce": true,
}

func openWith(t *testing.T, p providers.Provider, fields map[string]any) error {
	t.Helper()
	text, err := json.Marshal(fields)
	assert.NilError(t, err)
	_, err = p.Open(secret.New(string(text)))
	return err
}

// Open treats fields as the provider describes them.
func TestFieldsAreThoseThatOpenKnows(t *testing.T) {
	t.Parallel()
	for _, entry := range catalog.All() {
		t.Run(entry.Name, func(t *testing.T) {
			t.Parallel()
			p := entry.New(exchange.New(exchange.Options{}), "production")
			all := map[string]any{}
			for _, field := range p.Fields() {
				if all[field.Name] = valid[field.Name]; all[field.Name] == nil {
					all[field.Name] = "text"
				}
			}
			if err := openWith(t, p, all); err != nil {
				t.Fatalf("with all fields: %v", err)
			}
			for _, field := range p.Fields() {
				good := all[field.Name]
				all[field.Name] = -7
				if err := openWith(t, p, all); err == nil || !strings.Contains(err.Error(), field.Name) {
					t.Errorf("%s of a wrong type: error %v", field.Name, err)
				}
				delete(all, field.Name)
				var refused *providers.Error
				if err := openWith(t, p, all); !field.Optional && (!errors.As(err, &refused) || !strings.Contains(err.Error(), field.Name+" is missing")) {
					t.Errorf("without %s: error %v", field.Name, err)
				}
				all[field.Name] = good
			}
		})
	}
}
