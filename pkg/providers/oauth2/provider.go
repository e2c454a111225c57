// Package oauth2 is the client of any service that hands out refresh tokens by RFC 6749.
//
// The credentials hold what differs from service to service: docs/services.md has an example for
// each known service. Errors are judged by their code and not by their status: services refuse a
// refresh token with a 400, a 401, a 403 or a 200.
package oauth2

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/credentials"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/secret"
)

const name = "oauth2"

// The methods of authentication, by their names in RFC 7591.
const (
	basic = "client_secret_basic"
	post  = "client_secret_post"
	none  = "none"
)

const (
	minLifetime = time.Minute
	maxLifetime = 30 * 24 * time.Hour
	maxReuse    = 30 * 24 * time.Hour
)

// Provider implements providers.Provider.
type Provider struct{ client *exchange.Client }

var (
	_ providers.Described = (*Provider)(nil)
	_ providers.Patient   = (*Provider)(nil)
)

// New makes the provider. The environment picks nothing: credentials name every address.
func New(client *exchange.Client, _ string) *Provider { return &Provider{client: client} }

// Name implements providers.Provider.
func (*Provider) Name() string { return name }

// Patience implements providers.Patient.
func (*Provider) Patience() time.Duration { return patience }

// Address implements providers.Described: every service has its own.
func (*Provider) Address() string { return "" }

// Fields implements providers.Described.
func (*Provider) Fields() []providers.Field {
	return []providers.Field{
		{Name: "token_url"},
		{Name: "client_id"},
		{Name: "client_secret", Optional: true, Secret: true},
		{Name: "token_endpoint_auth_method", Optional: true},
		{Name: "refresh_token_reuse", Optional: true},
		{Name: "refresh_params", Optional: true, JSON: "a JSON object"},
		{Name: "login_params", Optional: true, JSON: "a JSON object", Secret: true},
		{Name: "introspection_url", Optional: true},
		{Name: "probe_url", Optional: true},
		{Name: "last_resort", Optional: true, JSON: "true or false"},
		{Name: "expires_in", Optional: true},
		{Name: "publish", Optional: true, JSON: "a JSON list of names"},
		{Name: "auth_url", Optional: true},
		{Name: "auth_scope", Optional: true},
		{Name: "redirect_uri", Optional: true},
		{Name: "no_pkce", Optional: true, JSON: "true or false"},
	}
}

// Open implements providers.Provider.
func (p *Provider) Open(text secret.String) (providers.Session, error) {
	fields, err := credentials.Read(name, text)
	if err != nil {
		return nil, err
	}
	s := &session{
		client:        p.client,
		token:         fields.URL("token_url", true),
		id:            fields.Text("client_id"),
		secret:        fields.Optional("client_secret"),
		introspection: fields.URL("introspection_url", false),
		probe:         fields.URL("probe_url", false),
		refresh:       fields.Params("refresh_params", own...),
		login:         loginParams(fields),
		lastResort:    fields.Flag("last_resort"),
		expiresIn:     fields.Seconds("expires_in", minLifetime, maxLifetime),
		publish:       fields.Names("publish", "access_token", "refresh_token"),
	}
	s.method = method(fields, s.secret)
	s.reuse, s.reuseKnown = reuse(fields)
	s.authorization = authorization(fields, s.id)
	if err := fields.Err(); err != nil {
		return nil, err
	}
	return s, nil
}

// own are the form fields that have settings of their own.
var own = []string{"grant_type", "refresh_token", "client_id", "client_secret"}

// method is how the client authenticates: as the credentials say, else by Basic if there is a
// secret. It is never both ways at once: servers refuse that.
func method(fields *credentials.Fields, clientSecret secret.String) string {
	otherwise := basic
	if !fields.Has("client_secret") {
		otherwise = none
	}
	m := cmp.Or(fields.Optional("token_endpoint_auth_method").Reveal(), otherwise)
	switch {
	case !slices.Contains([]string{basic, post, none}, m):
		fields.Problem(fmt.Errorf("token_endpoint_auth_method is none of %s, %s, %s", basic, post, none))
	case m == none && !clientSecret.IsZero():
		fields.Problem(fmt.Errorf("client_secret is given, although token_endpoint_auth_method is %s", none))
	case m != none && !fields.Has("client_secret"):
		fields.Problem(fmt.Errorf("client_secret is missing: token_endpoint_auth_method is %s", m))
	}
	return m
}

// loginParams is the form of a login; nil: there is none. A login is repeated whenever it is
// needed, so its grant cannot be a single-use one.
func loginParams(fields *credentials.Fields) url.Values {
	params := fields.Params("login_params", own[1:]...)
	if params == nil {
		return nil
	}
	switch grant := params.Get("grant_type"); grant {
	case "":
		fields.Problem(errors.New("login_params: grant_type is missing, such as client_credentials"))
	case "refresh_token", "authorization_code", "urn:ietf:params:oauth:grant-type:device_code":
		fields.Problem(fmt.Errorf("login_params: grant_type %s is no login that can be repeated", grant))
	case "password":
		for _, field := range []string{"username", "password"} {
			if !params.Has(field) {
				fields.Problem(fmt.Errorf("login_params: %s is missing", field))
			}
		}
	}
	return params
}

// reuse is how long a presented refresh token is still accepted; known: the credentials say so.
func reuse(fields *credentials.Fields) (d time.Duration, known bool) {
	const field = "refresh_token_reuse"
	switch word := fields.Word(field); word {
	case "":
		if !fields.Has(field) {
			return 0, false
		}
	case "never":
		return 0, true
	case "always":
		return providers.Always, true
	}
	if d, ok := fields.Duration(field, time.Second, maxReuse); ok {
		return d, true
	}
	fields.Problem(fmt.Errorf(`%s is none of "never", "always" and a number of seconds up to %.0f`, field, maxReuse.Seconds()))
	return 0, true
}

// authorization is how `tokenctl login` gets the first refresh token. A run has no use for it.
func authorization(fields *credentials.Fields, id secret.String) providers.Authorization {
	a := providers.Authorization{
		ClientID: id.Reveal(), Scope: fields.Optional("auth_scope").Reveal(),
		RedirectURI: fields.Word("redirect_uri"), // to the letter: servers compare it
		NoPKCE:      fields.Flag("no_pkce"),
	}
	_ = fields.URL("redirect_uri", false)
	if page := fields.URL("auth_url", false); page != nil {
		a.URL = page.String()
	}
	return a
}
