// Package oauth2 is the client of any service that hands out refresh tokens by RFC 6749.
//
// The credentials hold what differs from service to service: docs/services.md has an example for
// each known service. Errors are judged by their code and not by their status: services refuse a
// refresh token with a 400, a 401, a 403 or a 200.
package oauth2

import (
	"cmp"
	"net/url"
	"slices"
	"time"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/client"
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

// New makes the provider. The environment picks nothing: credentials name every address.
func New(web *exchange.Client, _ string) providers.Described {
	fields := []providers.Field{
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
	return client.New(name, "", patience, fields, func(f *credentials.Fields) providers.Session {
		s := &session{
			Session:       client.Session{Client: web, Provider: name, URL: f.URL("token_url", true)},
			id:            f.Text("client_id"),
			secret:        f.Optional("client_secret"),
			introspection: f.URL("introspection_url", false),
			probe:         f.URL("probe_url", false),
			refresh:       f.Params("refresh_params", own...),
			login:         loginParams(f),
			expiresIn:     f.Seconds("expires_in", minLifetime, maxLifetime),
			publish:       f.Names("publish", "access_token", "refresh_token"),
		}
		s.method = method(f, s.secret)
		s.again, s.reuseKnown = again(f)
		s.again.Asks = s.introspection != nil || s.probe != nil
		s.authorization = authorization(f, s.id)
		s.Rules = s.rules()
		return s
	})
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
	known := slices.Contains([]string{basic, post, none}, m)
	fields.Wrong(!known, "token_endpoint_auth_method is none of %s, %s, %s", basic, post, none)
	fields.Wrong(m == none && !clientSecret.IsZero(), "client_secret is given, although token_endpoint_auth_method is %s", none)
	fields.Wrong(known && m != none && !fields.Has("client_secret"), "client_secret is missing: token_endpoint_auth_method is %s", m)
	return m
}

// loginParams is the form of a login; nil: there is none. A login is repeated whenever it is
// needed, so its grant cannot be a single-use one.
func loginParams(fields *credentials.Fields) url.Values {
	params := fields.Params("login_params", own[1:]...)
	if params == nil {
		return nil
	}
	grant := params.Get("grant_type")
	single := []string{"refresh_token", "authorization_code", "urn:ietf:params:oauth:grant-type:device_code"}
	fields.Wrong(grant == "", "login_params: grant_type is missing, such as client_credentials")
	fields.Wrong(slices.Contains(single, grant), "login_params: grant_type %s is no login that can be repeated", grant)
	for _, field := range []string{"username", "password"} {
		fields.Wrong(grant == "password" && !params.Has(field), "login_params: %s is missing", field)
	}
	return params
}

// again is what happens to refresh tokens that were presented; known: the credentials say how long
// one is still accepted.
func again(fields *credentials.Fields) (a providers.Again, known bool) {
	const field = "refresh_token_reuse"
	a.LastResort = fields.Flag("last_resort")
	switch word := fields.Word(field); {
	case !fields.Has(field):
		return a, false
	case word == "never":
		return a, true
	case word == "always":
		a.Reuse = providers.Always
		return a, true
	}
	d, ok := fields.Duration(field, time.Second, maxReuse)
	fields.Wrong(!ok, `%s is none of "never", "always" and a number of seconds up to %.0f`, field, maxReuse.Seconds())
	a.Reuse = d
	return a, true
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
