package tconnect

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"tokenrefresh/pkg/aes"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/providers/reply"
)

// rules: a refresh always gives a new refresh token. Ten hours are published for an
// access token, but not as a promise: a reply that names no lifetime is believed for
// ten minutes only, which a schedule of a minute can serve.
var rules = reply.Rules{Lifetime: 10 * time.Minute, Rotates: true}

// read makes tokens of a reply in any of its shapes, and of everything else an error.
// What decides is a token in a 2xx, not the status alone.
func (s *session) read(answer exchange.Reply) (providers.Tokens, error) {
	if !answer.Success() {
		return providers.Tokens{}, rejected(answer)
	}
	body, err := s.open(answer.Body.Reveal())
	if err != nil {
		hint := "the answer can be neither read nor decrypted: are aes_key, aes_iv and aes_iv_mode right?"
		if reply.IsHTML(answer.Body.Reveal()) {
			hint = "a page came instead of JSON"
		}
		return providers.Tokens{}, answer.Fail(providers.Unknown, hint)
	}
	found := withToken(body)
	tokens, ok := found.Tokens(answer.Sent, rules)
	switch {
	case ok:
		// 0 is Keycloak's "no expiry", and a number that cannot be used is no reason to
		// declare a new token dead.
		if lifetime, is := found.Seconds("refresh_expires_in"); is == reply.Usable {
			tokens.RefreshExpiresAt = answer.Sent.Add(lifetime)
		}
		tokens.ServerDate = answer.Date
		return tokens, nil
	case isError(body):
		return providers.Tokens{}, refused(answer)
	}
	return providers.Tokens{}, answer.Fail(providers.Unknown, "the answer holds no access_token")
}

// open returns the object that a reply carries: the body itself or what is encrypted
// in it, as hex that is the whole body, a JSON string, or the field "data".
func (s *session) open(text string) (reply.Object, error) {
	body, err := reply.Parse(text)
	if err != nil {
		return s.decrypt(text)
	}
	if data := body.Text("data"); data != "" && withToken(body) == nil {
		if inner, err := s.decrypt(data); err == nil || !body.Says("error") {
			return inner, err
		}
	}
	return body, nil
}

// decrypt opens hex, bare or as a JSON string. It fails in one way only.
func (s *session) decrypt(text string) (reply.Object, error) {
	text = strings.TrimSpace(text)
	var quoted string
	if json.Unmarshal([]byte(text), &quoted) == nil {
		text = quoted
	}
	plain, err := s.cipher.DecryptHex(text)
	if err != nil {
		return nil, aes.ErrDecrypt
	}
	body, err := reply.Parse(string(plain))
	if err != nil {
		return nil, aes.ErrDecrypt
	}
	return body, nil
}

// withToken returns the object that has an access token: body, or an object directly
// in it, "data" first. nil where there is none.
func withToken(body reply.Object) reply.Object {
	if body.Text("access_token") != "" {
		return body
	}
	names := append([]string{"data"}, slices.Sorted(maps.Keys(body))...)
	for _, name := range names {
		if inner, ok := body.Object(name); ok && inner.Text("access_token") != "" {
			return inner
		}
	}
	return nil
}

// isError reports whether a body without a token says that there is none: an error
// such as Keycloak's, or a code or message without anything in "data".
func isError(body reply.Object) bool {
	if data, _ := body.Object("data"); body.Says("error") || data.Says("error") {
		return true
	}
	return (body.Says("code") || body.Says("message")) && !body.Says("data")
}

// rejected judges a 4xx. None is documented. Those that speak of the path or the
// partner are a person's; all others are taken for a dead token, for Keycloak says
// 400 to that and a needless login harms nobody.
func rejected(answer exchange.Reply) error {
	switch answer.Status {
	case http.StatusForbidden:
		return answer.Fail(providers.Misconfigured, "access denied: is partner_code right, is this address allowed?")
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return answer.Fail(providers.Misconfigured, "there is no such call at this address: correct base_url")
	}
	return refused(answer)
}

// refused is the provider's no: to a login it means that a person must act.
func refused(answer exchange.Reply) error {
	if answer.Op == "login" {
		return answer.Fail(providers.Misconfigured, "the login is refused: correct "+
			"username, password, client_id, client_secret, partner_code or aes_key in the credentials secret")
	}
	return answer.Fail(providers.Refused, "the refresh token is not accepted any more")
}
