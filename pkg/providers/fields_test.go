package providers_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/providers/internal/clienttest"
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

func openWith(t *testing.T, p providers.Provider, fields map[string]any) (providers.Session, error) {
	t.Helper()
	text, err := json.Marshal(fields)
	assert.NilError(t, err)
	return p.Open(secret.New(string(text)))
}

// allFields are valid values of all fields.
func allFields(p providers.Described) map[string]any {
	all := map[string]any{}
	for _, field := range p.Fields() {
		if all[field.Name] = valid[field.Name]; all[field.Name] == nil {
			all[field.Name] = "text"
		}
	}
	return all
}

// Open treats fields as the provider describes them.
func TestFieldsAreThoseThatOpenKnows(t *testing.T) {
	t.Parallel()
	for _, entry := range catalog.All() {
		t.Run(entry.Name, func(t *testing.T) {
			t.Parallel()
			p := entry.New(exchange.New(exchange.Options{}), "production")
			all := allFields(p)
			_, err := openWith(t, p, all)
			assert.Assert(t, err == nil, "with all fields: %v", err)
			for _, field := range p.Fields() {
				good := all[field.Name]
				all[field.Name] = -7
				if _, err := openWith(t, p, all); err == nil || !strings.Contains(err.Error(), field.Name) {
					t.Errorf("%s of a wrong type: error %v", field.Name, err)
				}
				delete(all, field.Name)
				var refused *providers.Error
				if _, err := openWith(t, p, all); !field.Optional && (!errors.As(err, &refused) || !strings.Contains(err.Error(), field.Name+" is missing")) {
					t.Errorf("without %s: error %v", field.Name, err)
				}
				all[field.Name] = good
			}
		})
	}
}

// What all clients do alike, with credentials for a host that is dead.
func TestEverywhere(t *testing.T) {
	t.Parallel()
	for _, entry := range catalog.All() {
		t.Run(entry.Name, func(t *testing.T) {
			t.Parallel()
			p := entry.New(exchange.New(exchange.Options{}), "production")
			assert.Check(t, p.Name() == entry.Name, "its name is %q", p.Name())
			_, err := p.Open(secret.New(`{"placeholder":""}`))
			assert.Check(t, errors.Is(err, providers.ErrNotSeeded), "placeholder: %v", err)
			all := allFields(p)
			all[entry.Setting] = clienttest.DeadHost
			session, err := openWith(t, p, all)
			assert.NilError(t, err)
			shown := "[" + entry.Name + " session]"
			text := fmt.Sprintf("%v %+v %#v %s %v", session, session, session, session, []any{session})
			want := strings.Repeat(shown+" ", 4) + "[" + shown + "]"
			assert.Check(t, text == want, "the session prints as %s", text)
			host := strings.TrimPrefix(clienttest.DeadHost, "http://")
			located := session.(providers.Located).Host()
			assert.Check(t, located == host, "it is located at %q", located)
			_, err = session.Refresh(t.Context(), secret.New("planted"))
			if providers.KindOf(err) != providers.NotSent || !strings.Contains(err.Error(), host) || strings.Contains(err.Error(), "planted") {
				t.Errorf("a dead host: %v", err)
			}
			_, err = session.Decode(secret.New("planted"), clienttest.Now)
			var e *providers.Error
			if !errors.As(err, &e) || e.Kind != providers.Unknown || e.Provider != entry.Name || e.Op != "decode" ||
				e.Raw.Reveal() != "planted" || !e.Sent.Equal(clienttest.Now) || strings.Contains(err.Error(), "planted") {
				t.Errorf("an unreadable reply: %v", err)
			}
		})
	}
}
