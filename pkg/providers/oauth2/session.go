package oauth2

import (
	"context"
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"time"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/client"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/secret"
)

// patience is the timeout of a refresh that no login could replace: it saves late replies that
// would be lost otherwise.
const patience = 20 * time.Second

// session implements providers.Session.
type session struct {
	client.Session // whose URL is the token endpoint

	introspection, probe *url.URL // may be nil

	id, secret     secret.String
	method         string
	refresh, login url.Values // login nil: there is none
	again          providers.Again
	reuseKnown     bool
	expiresIn      time.Duration
	publish        []string
	authorization  providers.Authorization
}

var (
	_ providers.Lived       = (*session)(nil)
	_ providers.Reusing     = (*session)(nil)
	_ providers.Authorizing = (*session)(nil)
)

// Lifetime implements providers.Lived.
func (s *session) Lifetime() time.Duration { return s.expiresIn }

// Again implements providers.Reusing.
func (s *session) Again() providers.Again { return s.again }

// CanLogin implements providers.Session.
func (s *session) CanLogin() bool { return s.login != nil }

// Refresh implements providers.Session.
func (s *session) Refresh(ctx context.Context, refreshToken secret.String) (providers.Tokens, error) {
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refreshToken.Reveal()}}
	maps.Copy(form, s.refresh) // which has neither of these
	tokens, err := s.post(ctx, "refresh", form)
	if err == nil && !s.reuseKnown {
		tokens.Warnings = append(tokens.Warnings,
			"refresh_token_reuse is not set in the credentials, so \"never\" is assumed: docs/services.md says what is known of services")
	}
	return tokens, err
}

// Login implements providers.Session.
func (s *session) Login(ctx context.Context) (providers.Tokens, error) {
	if !s.CanLogin() {
		return providers.Tokens{}, providers.ErrNoLogin
	}
	return s.post(ctx, "login", maps.Clone(s.login))
}

// post sends one request to the token endpoint and reads its answer.
func (s *session) post(ctx context.Context, op string, form url.Values) (providers.Tokens, error) {
	answer, err := s.send(ctx, op, form)
	if err != nil {
		return providers.Tokens{}, err
	}
	return s.Read(answer)
}

// send sends one request to the token endpoint.
func (s *session) send(ctx context.Context, op string, form url.Values) (exchange.Reply, error) {
	r := s.request(form)
	r.Op, r.URL, r.Setting = op, s.URL, "token_url"
	if !s.CanLogin() {
		r.Timeout = patience
	}
	return s.Client.Post(ctx, r)
}

// request carries form and the client's authentication, in one way only.
func (s *session) request(form url.Values) exchange.Request {
	r := exchange.Request{Provider: name, Form: form}
	switch s.method {
	case basic:
		// RFC 6749, 2.3.1: both are form-encoded first; otherwise a colon or a percent sign in one
		// of them would make another pair.
		pair := url.QueryEscape(s.id.Reveal()) + ":" + url.QueryEscape(s.secret.Reveal())
		r.Header = http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(pair))}}
	case post:
		form.Set("client_id", s.id.Reveal())
		form.Set("client_secret", s.secret.Reveal())
	default:
		form.Set("client_id", s.id.Reveal())
	}
	return r
}
