// Package hesabe is the client of Hesabe's Merchant API.
//
// A refresh revokes the old pair, access token included, before it answers with a new one: Hesabe
// uses Laravel Passport. Login and refresh are plain JSON; Hesabe's encryption is for its other
// endpoints. Sources: developer.hesabe.com, docs/api/post-refresh-token and post-merchant-login.
package hesabe

import (
	"net/url"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/credentials"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/secret"
)

const name = "hesabe"

// hosts are the documented base URLs of the two environments.
var hosts = map[string]string{
	"production": "https://merchantapi.hesabe.com",
	"sandbox":    "https://merchantapisandbox.hesabe.com",
}

// Provider implements providers.Provider.
type Provider struct {
	client *exchange.Client
	host   string
}

var _ providers.Described = (*Provider)(nil)

// New makes the provider. environment is "production" or "sandbox" and picks the base
// URL for credentials that have none; with another one base_url is required.
func New(client *exchange.Client, environment string) *Provider {
	return &Provider{client: client, host: hosts[environment]}
}

// Name implements providers.Provider.
func (p *Provider) Name() string { return name }

// Open implements providers.Provider for {"username","password","base_url"?}. The
// first two may be missing together where base_url is given: then there is no login.
func (p *Provider) Open(text secret.String) (providers.Session, error) {
	fields, err := credentials.Read(name, text)
	if err != nil {
		return nil, err
	}
	s := &session{client: p.client, base: fields.BaseURL(p.host)}
	if fields.Has("username") || fields.Has("password") || !fields.Has("base_url") {
		s.username, s.password = fields.Text("username"), fields.Text("password")
	}
	if err := fields.Err(); err != nil {
		return nil, err
	}
	return s, nil
}

// Address implements providers.Described.
func (p *Provider) Address() string { return p.host }

// Fields implements providers.Described.
func (*Provider) Fields() []providers.Field {
	return []providers.Field{
		{Name: "username", Optional: true, Login: true},
		{Name: "password", Optional: true, Login: true, Secret: true},
		{Name: "base_url", Optional: true},
	}
}

var (
	_ providers.Located  = (*session)(nil)
	_ providers.Prepared = (*session)(nil)
)

// session implements providers.Session.
type session struct {
	client             *exchange.Client
	base               *url.URL
	username, password secret.String // both empty: no login
}
