// Package tconnect is the client of TConnect's Payment Open API.
//
// Requests are encrypted with a key that TConnect's partner desk hands out. It is not documented
// whether replies are encrypted, how the IV is made and what errors look like: the first two are
// settings, and every plausible reply is read. TConnect seems to use Keycloak, so a login from time
// to time is normal. Source: docs.tconnect.vn, payment-openapi, login and refresh-token.
package tconnect

import (
	"encoding/json"
	"fmt"
	"net/url"

	"tokenrefresh/pkg/aes"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/credentials"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/secret"
)

const name = "tconnect"

// loginFields are the documented fields of a login.
var loginFields = []string{"username", "password", "client_id", "client_secret"}

// Provider implements providers.Provider.
type Provider struct{ client *exchange.Client }

var _ providers.Described = (*Provider)(nil)

// New makes the provider. The environment picks nothing: credentials always name the base URL,
// because TConnect hands out that of production in person.
func New(client *exchange.Client, _ string) *Provider { return &Provider{client: client} }

// Name implements providers.Provider.
func (p *Provider) Name() string { return name }

// Open implements providers.Provider for {"base_url","partner_code","aes_key",
// "aes_iv"?,"aes_iv_mode"?,"username","password","client_id","client_secret",
// "login_extra"?}. The four login fields may be missing together.
func (p *Provider) Open(text secret.String) (providers.Session, error) {
	fields, err := credentials.Read(name, text)
	if err != nil {
		return nil, err
	}
	s := &session{
		client:  p.client,
		base:    fields.BaseURL(""),
		partner: fields.Text("partner_code"),
		cipher:  newCipher(fields),
	}
	s.login = fields.Group(loginFields...)
	s.extra = fields.Extra("login_extra", loginFields...)
	if err := fields.Err(); err != nil {
		return nil, err
	}
	return s, nil
}

// Address implements providers.Described: partners get theirs in person.
func (*Provider) Address() string { return "" }

// Fields implements providers.Described.
func (*Provider) Fields() []providers.Field {
	return []providers.Field{
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
}

// newCipher reads the settings of the encryption.
func newCipher(fields *credentials.Fields) *aes.Cipher {
	text, iv, mode := fields.Text("aes_key"), fields.Optional("aes_iv"), fields.Optional("aes_iv_mode")
	if text.IsZero() {
		return nil
	}
	key, err := aes.ParseKey(text.Reveal())
	if err != nil {
		fields.Problem(fmt.Errorf("aes_key: %w", err))
		return nil
	}
	cipher, err := aes.NewCipher(key, aes.Mode(mode.Reveal()), iv.Reveal())
	if err != nil {
		fields.Problem(fmt.Errorf("aes_iv, aes_iv_mode: %w", err))
	}
	return cipher
}

var (
	_ providers.Located  = (*session)(nil)
	_ providers.Prepared = (*session)(nil)
)

// session implements providers.Session.
type session struct {
	client  *exchange.Client
	base    *url.URL
	partner secret.String
	cipher  *aes.Cipher
	login   map[string]secret.String   // nil: no login
	extra   map[string]json.RawMessage // further fields of a login
}
