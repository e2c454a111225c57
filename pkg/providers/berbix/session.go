package berbix

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"time"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/secret"
)

// Format implements fmt.Formatter with a mask: fmt prints what lies in unexported
// fields without asking it.
func (*session) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[berbix session]")) }

// Prepare implements providers.Prepared.
func (s *session) Prepare(ctx context.Context) { s.client.Prepare(ctx, s.base) }

// CanLogin implements providers.Session.
func (s *session) CanLogin() bool { return false }

// Login implements providers.Session: Berbix has none.
func (s *session) Login(context.Context) (providers.Tokens, error) {
	return providers.Tokens{}, providers.ErrNoLogin
}

// Refresh implements providers.Session. The API secret is the user of basic
// authentication, with an empty password.
func (s *session) Refresh(ctx context.Context, refreshToken secret.String) (providers.Tokens, error) {
	user := base64.StdEncoding.EncodeToString([]byte(s.apiSecret.Reveal() + ":"))
	answer, err := s.client.Post(ctx, exchange.Request{
		Provider: name, Op: "refresh", URL: s.base.JoinPath("v0/tokens"),
		Header:  http.Header{"Authorization": {"Basic " + user}},
		Payload: map[string]string{"refresh_token": refreshToken.Reveal(), "grant_type": "refresh_token"},
	})
	if err != nil {
		return providers.Tokens{}, err
	}
	return rules.Read(answer)
}

// Decode implements providers.Session.
func (s *session) Decode(raw secret.String, sent time.Time) (providers.Tokens, error) {
	return rules.Read(exchange.Reply{Provider: name, Op: "decode", Status: http.StatusOK, Body: raw, Sent: sent})
}
