package oauth2

import (
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"time"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/ask"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/secret"
)

// patience is the timeout of a refresh that no login could replace: it saves late replies that
// would be lost otherwise.
const patience = 20 * time.Second

// session implements providers.Session.
type session struct {
	client *exchange.Client

	token, introspection, probe *url.URL // the latter two may be nil

	id, secret     secret.String
	method         string
	refresh, login url.Values // login nil: there is none
	reuse          time.Duration
	reuseKnown     bool
	lastResort     bool
	expiresIn      time.Duration
	publish        []string
	authorization  providers.Authorization
}

var (
	_ providers.Located    = (*session)(nil)
	_ providers.Prepared   = (*session)(nil)
	_ providers.Lived      = (*session)(nil)
	_ providers.Reusing    = (*session)(nil)
	_ providers.Asking     = (*session)(nil)
	_ providers.LastResort = (*session)(nil)
)

// Format implements fmt.Formatter with a mask: fmt prints what lies in unexported
// fields without asking it.
func (*session) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[oauth2 session]")) }

// Host implements providers.Located.
func (s *session) Host() string { return s.token.Host }

// Prepare implements providers.Prepared.
func (s *session) Prepare(ctx context.Context) { s.client.Prepare(ctx, s.token) }

// Lifetime implements providers.Lived.
func (s *session) Lifetime() time.Duration { return s.expiresIn }

// Reuse implements providers.Reusing.
func (s *session) Reuse() time.Duration { return s.reuse }

// LastResort implements providers.LastResort.
func (s *session) LastResort() bool { return s.lastResort && !s.CanLogin() }

// CanLogin implements providers.Session.
func (s *session) CanLogin() bool { return s.login != nil }

// Refresh implements providers.Session.
func (s *session) Refresh(ctx context.Context, refreshToken secret.String) (providers.Tokens, error) {
	form := maps.Clone(s.refresh)
	if form == nil {
		form = url.Values{}
	}
	form.Set("grant_type", "refresh_token")
	form.Set("refresh_token", refreshToken.Reveal())
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

// Decode implements providers.Session.
func (s *session) Decode(raw secret.String, sent time.Time) (providers.Tokens, error) {
	return s.rules().Read(exchange.Reply{Provider: name, Op: "decode", Status: http.StatusOK, Body: raw, Sent: sent})
}

// CanAsk implements providers.Asking.
func (s *session) CanAsk() bool { return s.introspection != nil || s.probe != nil }

// Ask implements providers.Asking. What the provider says of the refresh token itself counts
// first.
func (s *session) Ask(ctx context.Context, refreshToken, accessToken secret.String) (providers.Evidence, error) {
	var evidence providers.Evidence
	var err error
	if s.introspection != nil {
		r := s.request(url.Values{})
		r.URL, r.Setting = s.introspection, "introspection_url"
		evidence, err = ask.Introspect(ctx, s.client, r, refreshToken)
	}
	if evidence == providers.NoEvidence && s.probe != nil && !accessToken.IsZero() {
		evidence, err = ask.Probe(ctx, s.client, exchange.Request{Provider: name, URL: s.probe, Setting: "probe_url"}, accessToken)
	}
	return evidence, err
}

// post sends one request to the token endpoint and reads its answer.
func (s *session) post(ctx context.Context, op string, form url.Values) (providers.Tokens, error) {
	answer, err := s.send(ctx, op, form)
	if err != nil {
		return providers.Tokens{}, err
	}
	return s.rules().Read(answer)
}

// send sends one request to the token endpoint.
func (s *session) send(ctx context.Context, op string, form url.Values) (exchange.Reply, error) {
	r := s.request(form)
	r.Op, r.URL, r.Setting = op, s.token, "token_url"
	if !s.CanLogin() {
		r.Timeout = patience
	}
	return s.client.Post(ctx, r)
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
