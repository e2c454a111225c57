package oauthservers_test

import (
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/oauthservers"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/providers/oauth2"
	"tokenrefresh/pkg/secret"
)

// What each server answers of a refresh token, before and after it was presented: what
// docs/services.md says of introspection_url and probe_url rests on it.
func TestWhatServersSay(t *testing.T) {
	t.Parallel()
	const neither, acted, not = providers.NoEvidence, providers.Acted, providers.NotActed
	for name, tt := range map[string]struct {
		start        func(*testing.T) *oauthservers.Server
		field        string
		address      func(*oauthservers.Server) string
		alive, spent providers.Evidence
	}{
		"oidc-provider, introspection":        {start: strict, field: "introspection_url", address: (*oauthservers.Server).Introspection, alive: not, spent: acted},
		"oidc-provider, probe":                {start: strict, field: "probe_url", address: (*oauthservers.Server).Probe, alive: not, spent: not}, // the old access token lives on
		"django-oauth-toolkit, introspection": {start: lenient, field: "introspection_url", address: (*oauthservers.Server).Introspection, alive: acted, spent: acted},
		"django-oauth-toolkit, probe":         {start: lenient, field: "probe_url", address: (*oauthservers.Server).Probe, alive: not, spent: acted},
		"django-oauth-toolkit, its own view":  {start: lenient, field: "probe_url", address: func(s *oauthservers.Server) string { return s.URL + "/closed" }, alive: neither, spent: neither},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := tt.start(t)
			client := server.Client(oauthservers.Basic)
			credentials := server.Credentials(t, client, map[string]any{tt.field: tt.address(server)})
			session, err := oauth2.New(exchange.New(exchange.Options{}), "").Open(credentials)
			assert.NilError(t, err)
			pair := server.Seed(t, client)
			refresh, access := secret.New(pair.Refresh), secret.New(pair.Access)
			before, _ := session.(providers.Reusing).Ask(t.Context(), refresh, access)
			if _, err := session.Refresh(t.Context(), refresh); err != nil {
				t.Fatal(err)
			}
			after, _ := session.(providers.Reusing).Ask(t.Context(), refresh, access)
			if before != tt.alive || after != tt.spent {
				t.Errorf("alive: %s, spent: %s", before, after)
			}
		})
	}
}

func strict(t *testing.T) *oauthservers.Server {
	t.Helper()
	return oauthservers.OIDCProvider(t)
}

// grace is how long the toolkit takes a token again.
const grace = 10 * time.Minute

func lenient(t *testing.T) *oauthservers.Server {
	t.Helper()
	return oauthservers.Toolkit(t, map[string]any{
		"ROTATE_REFRESH_TOKEN": true, "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": int(grace.Seconds()), "REFRESH_TOKEN_REUSE_PROTECTION": true,
	})
}
