// Package berbix is the client of Berbix's token endpoint.
//
// Refresh tokens don't rotate and may be presented again: every SDK of Berbix keeps the one it has,
// and the reply normally carries none. There is no login. A dead refresh token needs a new
// transaction, which only the business can begin. Source: docs.berbix.com/reference/createtoken and
// Berbix's SDKs.
package berbix

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/client"
	"tokenrefresh/pkg/providers/credentials"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/providers/reply"
	"tokenrefresh/pkg/providers/verdict"
	"tokenrefresh/pkg/secret"
)

const name = "berbix"

// hosts: the API secret, secret_test_… or secret_live_…, picks the mode, not the host.
var hosts = map[string]string{
	"production": "https://api.berbix.com",
	"sandbox":    "https://api.berbix.com",
}

// rules: a flat object with an access_token. The documentation says only that expires_in is short:
// without it a token counts as expired, and a day is the longest. Errors are not documented; the
// SDKs read status, reason, message, code and readable.
var rules = verdict.Rules{
	Tokens: reply.Rules{Longest: 24 * time.Hour},
	Words: verdict.Words{
		Own: func(root reply.Object) bool { return root.Says("reason") || root.Says("readable") },
		Refused: []string{
			"transaction was deleted", "transaction has been deleted", "transaction is deleted", "transaction not found",
			"transaction was not found", "transaction does not exist", "transaction expired", "transaction has expired",
		},
		Credentials: []string{"api secret is not valid", "api secret is invalid"},
		Each:        true,
	},
	Complete: func(d reply.Document, t *providers.Tokens) {
		t.ClientToken = secret.New(strings.TrimSpace(d.Token().Token("client_token")))
		t.TransactionID = d.Token().ID("transaction_id")
	},
	Secrets: "api_secret",
}

// New makes the provider. environment is "production" or "sandbox"; with another one
// credentials need a base_url.
func New(web *exchange.Client, environment string) providers.Described {
	fields := []providers.Field{{Name: "api_secret", Secret: true}, {Name: "base_url", Optional: true}}
	return client.New(name, hosts[environment], 0, fields, func(f *credentials.Fields) providers.Session {
		return &session{
			client.Session{Client: web, Provider: name, URL: f.BaseURL(hosts[environment]), Rules: rules}, f.Text("api_secret"),
		}
	})
}

// session implements providers.Session.
type session struct {
	client.Session
	apiSecret secret.String
}

// CanLogin implements providers.Session.
func (*session) CanLogin() bool { return false }

// Login implements providers.Session: Berbix has none.
func (*session) Login(context.Context) (providers.Tokens, error) {
	return providers.Tokens{}, providers.ErrNoLogin
}

// Refresh implements providers.Session. The API secret is the user of basic
// authentication, with an empty password.
func (s *session) Refresh(ctx context.Context, refreshToken secret.String) (providers.Tokens, error) {
	user := base64.StdEncoding.EncodeToString([]byte(s.apiSecret.Reveal() + ":"))
	return s.Post(ctx, "refresh", "v0/tokens", http.Header{"Authorization": {"Basic " + user}}, map[string]string{
		"refresh_token": refreshToken.Reveal(), "grant_type": "refresh_token",
	})
}
