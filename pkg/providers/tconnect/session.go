package tconnect

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/secret"
)

// Format implements fmt.Formatter with a mask: fmt prints what lies in unexported
// fields without asking it.
func (*session) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[tconnect session]")) }

// Host implements providers.Located.
func (s *session) Host() string { return s.base.Host }

// Prepare implements providers.Prepared.
func (s *session) Prepare(ctx context.Context) { s.client.Prepare(ctx, s.base) }

// CanLogin implements providers.Session.
func (s *session) CanLogin() bool { return s.login != nil }

// Refresh implements providers.Session.
func (s *session) Refresh(ctx context.Context, refreshToken secret.String) (providers.Tokens, error) {
	return s.post(ctx, "refresh", "openapi/v1/auth/refresh", map[string]any{
		"refresh_token": refreshToken.Reveal(),
	})
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
	return s.post(ctx, "login", "openapi/v1/auth/login", payload)
}

// Decode implements providers.Session.
func (s *session) Decode(raw secret.String, sent time.Time) (providers.Tokens, error) {
	return s.rules().Read(exchange.Reply{Provider: name, Op: "decode", Status: http.StatusOK, Body: raw, Sent: sent})
}

// post encrypts payload, sends it once and reads the answer.
func (s *session) post(ctx context.Context, op, path string, payload map[string]any) (providers.Tokens, error) {
	plain, err := json.Marshal(payload)
	if err != nil { // which would quote the payload
		return providers.Tokens{}, exchange.Reply{Provider: name, Op: op}.Fail(
			providers.Misconfigured, "the request cannot be written as JSON")
	}
	answer, err := s.client.Post(ctx, exchange.Request{
		Provider: name, Op: op, URL: s.base.JoinPath(path),
		Header:  http.Header{"Partner-Code": {s.partner.Reveal()}},
		Payload: map[string]string{"data": s.cipher.EncryptHex(plain)},
	})
	if err != nil {
		return providers.Tokens{}, err
	}
	return s.rules().Read(answer)
}
