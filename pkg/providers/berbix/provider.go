// Package berbix is the client of Berbix's token endpoint.
//
// Refresh tokens don't rotate and may be presented again: every SDK of Berbix keeps the one it has,
// and the reply normally carries none. There is no login. A dead refresh token needs a new
// transaction, which only the business can begin. Source: docs.berbix.com/reference/createtoken and
// Berbix's SDKs.
package berbix

import (
	"net/url"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/credentials"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/secret"
)

const name = "berbix"

// hosts: the API secret, secret_test_… or secret_live_…, picks the mode, not the host.
var hosts = map[string]string{
	"production": "https://api.berbix.com",
	"sandbox":    "https://api.berbix.com",
}

// Provider implements providers.Provider.
type Provider struct {
	client *exchange.Client
	host   string
}

var _ providers.Described = (*Provider)(nil)

// New makes the provider. environment is "production" or "sandbox"; with another one
// credentials need a base_url.
func New(client *exchange.Client, environment string) *Provider {
	return &Provider{client: client, host: hosts[environment]}
}

// Name implements providers.Provider.
func (p *Provider) Name() string { return name }

// Open implements providers.Provider for {"api_secret","base_url"?}.
func (p *Provider) Open(text secret.String) (providers.Session, error) {
	fields, err := credentials.Read(name, text)
	if err != nil {
		return nil, err
	}
	s := &session{client: p.client, base: fields.BaseURL(p.host), apiSecret: fields.Text("api_secret")}
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
		{Name: "api_secret", Secret: true},
		{Name: "base_url", Optional: true},
	}
}

var _ providers.Prepared = (*session)(nil)

// session implements providers.Session.
type session struct {
	client    *exchange.Client
	base      *url.URL
	apiSecret secret.String
}
