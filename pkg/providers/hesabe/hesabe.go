// Package hesabe is the client of Hesabe's Merchant API.
//
// A refresh revokes the old pair, access token included, before it answers with a new one: Hesabe
// uses Laravel Passport. Login and refresh are plain JSON; Hesabe's encryption is for its other
// endpoints. Sources: developer.hesabe.com, docs/api/post-refresh-token and post-merchant-login.
package hesabe

import (
	"context"
	"time"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/client"
	"tokenrefresh/pkg/providers/credentials"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/providers/reply"
	"tokenrefresh/pkg/providers/verdict"
	"tokenrefresh/pkg/secret"
)

const (
	name = "hesabe"
	// lifetime is the documented life of access tokens.
	lifetime = 900 * time.Second
)

// hosts are the documented base URLs of the two environments.
var hosts = map[string]string{
	"production": "https://merchantapi.hesabe.com",
	"sandbox":    "https://merchantapisandbox.hesabe.com",
}

// rules: {"status":true,"response":{"token":{…}}}, and {"status":false,"message":…} for errors,
// with 404 for a dead refresh token. Errors of Passport itself, of its library
// league/oauth2-server, are among the common words.
var rules = verdict.Rules{
	Tokens: reply.Rules{Lifetime: lifetime, Longest: lifetime, Rotates: true, Path: "response.token"},
	Words: verdict.Words{
		Own:     func(root reply.Object) bool { return root.Is("status", false) },
		Refused: []string{"request not found please verify the request data", "please verify the token credentials"},
	},
	Complete: func(d reply.Document, t *providers.Tokens) {
		if d.Root != nil && !d.Root.Is("status", true) {
			t.Warnings = append(t.Warnings, "the reply has tokens, although its status is not true")
		}
	},
	Secrets: "username or password",
}

// New makes the provider. environment is "production" or "sandbox" and picks the base
// URL for credentials that have none; with another one base_url is required. A username and a
// password may be missing together where base_url is given: then there is no login.
func New(web *exchange.Client, environment string) providers.Described {
	fields := []providers.Field{
		{Name: "username", Optional: true, Login: true},
		{Name: "password", Optional: true, Login: true, Secret: true},
		{Name: "base_url", Optional: true},
	}
	return client.New(name, hosts[environment], 0, fields, func(f *credentials.Fields) providers.Session {
		s := &session{Session: client.Session{Client: web, Provider: name, URL: f.BaseURL(hosts[environment]), Rules: rules}}
		if f.Has("username") || f.Has("password") || !f.Has("base_url") {
			s.username, s.password = f.Text("username"), f.Text("password")
		}
		return s
	})
}

// session implements providers.Session.
type session struct {
	client.Session
	username, password secret.String // both empty: no login
}

// CanLogin implements providers.Session.
func (s *session) CanLogin() bool { return !s.username.IsZero() }

// Refresh implements providers.Session. The token goes into the body: the reference
// page lists it under "Header Parameters", as it does with the login's body fields,
// while its sample and Hesabe's own apps send a body.
func (s *session) Refresh(ctx context.Context, refreshToken secret.String) (providers.Tokens, error) {
	return s.Post(ctx, "refresh", "api/v1/token-refresh", nil, map[string]string{"refreshToken": refreshToken.Reveal()})
}

// Login implements providers.Session.
func (s *session) Login(ctx context.Context) (providers.Tokens, error) {
	if !s.CanLogin() {
		return providers.Tokens{}, providers.ErrNoLogin
	}
	return s.Post(ctx, "login", "api/v1/login", nil, map[string]string{
		"username": s.username.Reveal(), "password": s.password.Reveal(),
	})
}
