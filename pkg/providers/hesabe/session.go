package hesabe

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/secret"
)

// Format implements fmt.Formatter with a mask: fmt prints what lies in unexported
// fields without asking it.
func (*session) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[hesabe session]")) }

// Host implements providers.Located.
func (s *session) Host() string { return s.base.Host }

// Prepare implements providers.Prepared.
func (s *session) Prepare(ctx context.Context) { s.client.Prepare(ctx, s.base) }

// CanLogin implements providers.Session.
func (s *session) CanLogin() bool { return !s.username.IsZero() }

// Refresh implements providers.Session. The token goes into the body: the reference
// page lists it under "Header Parameters", as it does with the login's body fields,
// while its sample and Hesabe's own apps send a body.
func (s *session) Refresh(ctx context.Context, refreshToken secret.String) (providers.Tokens, error) {
	return s.post(ctx, "refresh", "api/v1/token-refresh", map[string]string{
		"refreshToken": refreshToken.Reveal(),
	})
}

// Login implements providers.Session.
func (s *session) Login(ctx context.Context) (providers.Tokens, error) {
	if !s.CanLogin() {
		return providers.Tokens{}, providers.ErrNoLogin
	}
	return s.post(ctx, "login", "api/v1/login", map[string]string{
		"username": s.username.Reveal(), "password": s.password.Reveal(),
	})
}

// Decode implements providers.Session.
func (s *session) Decode(raw secret.String, sent time.Time) (providers.Tokens, error) {
	return rules.Read(exchange.Reply{Provider: name, Op: "decode", Status: http.StatusOK, Body: raw, Sent: sent})
}

// post sends one request and reads its answer.
func (s *session) post(ctx context.Context, op, path string, payload map[string]string) (providers.Tokens, error) {
	answer, err := s.client.Post(ctx, exchange.Request{
		Provider: name, Op: op, URL: s.base.JoinPath(path), Payload: payload,
	})
	if err != nil {
		return providers.Tokens{}, err
	}
	return rules.Read(answer)
}
