// Package tconnect is the client of TConnect's Payment Open API.
//
// Requests are encrypted with a key that TConnect's partner desk hands out. It is not documented
// whether replies are encrypted, how the IV is made and what errors look like: the first two are
// settings, and every plausible reply is read. TConnect seems to use Keycloak, so a login from time
// to time is normal. Source: docs.tconnect.vn, payment-openapi, login and refresh-token.
package tconnect

import (
	"context"
	"encoding/json"
	"net/http"

	"tokenrefresh/pkg/aes"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/client"
	"tokenrefresh/pkg/providers/credentials"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/secret"
)

const name = "tconnect"

// loginFields are the documented fields of a login.
var loginFields = []string{"username", "password", "client_id", "client_secret"}

// New makes the provider. The environment picks nothing: credentials always name the base URL,
// because TConnect hands out that of production in person. The four fields of a login may be missing
// together.
func New(web *exchange.Client, _ string) providers.Described {
	fields := []providers.Field{
		{Name: "base_url"},
		{Name: "partner_code"},
		{Name: "username", Optional: true, Login: true},
		{Name: "password", Optional: true, Login: true, Secret: true},
		{Name: "client_id", Optional: true, Login: true},
		{Name: "client_secret", Optional: true, Login: true, Secret: true},
		{Name: "aes_key", Secret: true},
		{Name: "aes_iv", Optional: true, Secret: true},
		{Name: "aes_iv_mode", Optional: true},
		{Name: "login_extra", Optional: true, JSON: "a JSON object", Secret: true},
	}
	return client.New(name, "", 0, fields, func(f *credentials.Fields) providers.Session {
		s := &session{
			Session: client.Session{Client: web, Provider: name, URL: f.BaseURL(""), Rules: rules},
			partner: f.Text("partner_code"),
			cipher:  newCipher(f),
			login:   f.Group(loginFields...),
			extra:   f.Extra("login_extra", loginFields...),
		}
		s.Rules.Open = s.open
		return s
	})
}

// newCipher reads the settings of the encryption.
func newCipher(fields *credentials.Fields) *aes.Cipher {
	text, iv, mode := fields.Text("aes_key"), fields.Optional("aes_iv"), fields.Optional("aes_iv_mode")
	key, err := aes.ParseKey(text.Reveal())
	if err != nil {
		fields.Wrong(!text.IsZero(), "aes_key: %w", err)
		return nil
	}
	cipher, err := aes.NewCipher(key, aes.Mode(mode.Reveal()), iv.Reveal())
	fields.Wrong(err != nil, "aes_iv, aes_iv_mode: %w", err)
	return cipher
}

// session implements providers.Session.
type session struct {
	client.Session
	partner secret.String
	cipher  *aes.Cipher
	login   map[string]secret.String   // nil: no login
	extra   map[string]json.RawMessage // further fields of a login
}

// CanLogin implements providers.Session.
func (s *session) CanLogin() bool { return s.login != nil }

// Refresh implements providers.Session.
func (s *session) Refresh(ctx context.Context, refreshToken secret.String) (providers.Tokens, error) {
	return s.post(ctx, "refresh", map[string]any{"refresh_token": refreshToken.Reveal()})
}

// Login implements providers.Session.
func (s *session) Login(ctx context.Context) (providers.Tokens, error) {
	if !s.CanLogin() {
		return providers.Tokens{}, providers.ErrNoLogin
	}
	payload := make(map[string]any, len(s.login)+len(s.extra))
	for key, value := range s.extra {
		payload[key] = value
	}
	for key, value := range s.login {
		payload[key] = value.Reveal()
	}
	return s.post(ctx, "login", payload)
}

// post encrypts payload, sends it once and reads the answer.
func (s *session) post(ctx context.Context, op string, payload map[string]any) (providers.Tokens, error) {
	plain, _ := json.Marshal(payload) // of texts and valid JSON: never fails
	return s.Post(ctx, op, "openapi/v1/auth/"+op, http.Header{"Partner-Code": {s.partner.Reveal()}},
		map[string]string{"data": s.cipher.EncryptHex(plain)})
}
