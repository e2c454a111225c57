package hesabe

import (
	"context"
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
func (*session) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[hesabe session]")) }

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
	return read(exchange.Reply{Provider: name, Op: "decode", Status: http.StatusOK, Body: raw, Sent: sent})
}

// post sends one request and reads its answer.
func (s *session) post(ctx context.Context, op, path string, payload map[string]string) (providers.Tokens, error) {
	answer, err := s.client.Post(ctx, exchange.Request{
		Provider: name, Op: op, URL: s.base.JoinPath(path), Payload: payload,
	})
	if err != nil {
		return providers.Tokens{}, err
	}
	return read(answer)
}

// read makes tokens of {"status":true,"response":{"token":{…}}}, and of everything
// else an error.
func read(answer exchange.Reply) (providers.Tokens, error) {
	body, err := reply.Parse(answer.Body.Reveal())
	says := func(status bool) bool { return err == nil && body.Is("status", status) }
	if !answer.Success() {
		return providers.Tokens{}, rejected(answer, says(false))
	}
	response, _ := body.Object("response")
	token, _ := response.Object("token")
	tokens, ok := token.Tokens(answer.Sent, rules)
	switch {
	case ok && says(true):
		tokens.ServerDate = answer.Date
		return tokens, nil
	case !ok && (says(false) || body.Says("error")):
		return providers.Tokens{}, refused(answer)
	case reply.IsHTML(answer.Body.Reveal()):
		return providers.Tokens{}, answer.Fail(providers.Unknown, "a page came instead of JSON")
	}
	return providers.Tokens{}, answer.Fail(providers.Unknown, "the answer holds no token where it should")
}

// rejected judges a 4xx. A dead refresh token is a 404 whose JSON has "status":false; a
// 404 without it comes from another server or path. 400, 401 and 422 are documented
// for neighbouring calls.
func rejected(answer exchange.Reply, statusFalse bool) error {
	switch answer.Status {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusNotFound, http.StatusUnprocessableEntity:
		if statusFalse {
			return refused(answer)
		}
	case http.StatusForbidden:
		return answer.Fail(providers.Misconfigured, "access denied: does Hesabe allow this address?")
	}
	return answer.Fail(providers.Misconfigured, "not an answer of the Merchant API: correct base_url")
}

// refused is the provider's no: to a login it means that a person must act.
func refused(answer exchange.Reply) error {
	if answer.Op == "login" {
		return answer.Fail(providers.Misconfigured,
			"username or password refused: correct them in the credentials secret")
	}
	return answer.Fail(providers.Refused, "the refresh token is not accepted any more")
}
