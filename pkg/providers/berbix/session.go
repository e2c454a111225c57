package berbix

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"time"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/providers/reply"
	"tokenrefresh/pkg/secret"
)

// Format implements fmt.Formatter with a mask: fmt prints what lies in unexported
// fields without asking it.
func (*session) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[berbix session]")) }

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
	return read(answer)
}

// Decode implements providers.Session.
func (s *session) Decode(raw secret.String, sent time.Time) (providers.Tokens, error) {
	return read(exchange.Reply{Provider: name, Op: "decode", Status: http.StatusOK, Body: raw, Sent: sent})
}

// read makes tokens of a flat object with an access_token, and of everything else an
// error. What expires_in normally is, nobody says: without it a token counts as expired.
func read(answer exchange.Reply) (providers.Tokens, error) {
	if !answer.Success() {
		return providers.Tokens{}, rejected(answer)
	}
	body, _ := reply.Parse(answer.Body.Reveal())
	tokens, ok := body.Tokens(answer.Sent, reply.Rules{})
	switch {
	case ok:
		tokens.ClientToken = secret.New(body.Text("client_token"))
		tokens.TransactionID = body.ID("transaction_id")
		tokens.ServerDate = answer.Date
		return tokens, nil
	case reply.IsHTML(answer.Body.Reveal()):
		return providers.Tokens{}, answer.Fail(providers.Unknown, "a page came instead of JSON")
	}
	return providers.Tokens{}, answer.Fail(providers.Unknown, "the answer holds no access_token")
}

// rejected judges a 4xx. Berbix documents none; its SDKs expect JSON with every status,
// so a page comes from somewhere else and says nothing of the token.
func rejected(answer exchange.Reply) error {
	switch {
	case answer.Status == http.StatusUnauthorized, answer.Status == http.StatusForbidden:
		return answer.Fail(providers.Misconfigured,
			"the API secret is refused: correct api_secret in the credentials secret")
	case reply.IsHTML(answer.Body.Reveal()):
		return answer.Fail(providers.Misconfigured, "a page came instead of JSON: correct base_url")
	}
	return answer.Fail(providers.Refused, "the refresh token is not accepted any more")
}
