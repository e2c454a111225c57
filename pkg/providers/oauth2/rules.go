package oauth2

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/reply"
	"tokenrefresh/pkg/providers/verdict"
	"tokenrefresh/pkg/secret"
)

// lifetime is assumed if neither the reply nor the credentials nor the token itself name one: most
// services that name none hand out an hour or two.
const lifetime = 30 * time.Minute

// words are the codes of services that don't use those of RFC 6749.
var words = verdict.Words{
	Code: code,
	Own:  func(root reply.Object) bool { return root.Is("ok", false) },
	// Zoho's and Slack's: at a refresh they can mean only the refresh token.
	Dead: []string{"invalid code", "token expired", "token revoked"},
}

// rules are those of RFC 6749, with the settings of the credentials.
func (s *session) rules() verdict.Rules {
	return verdict.Rules{ //nolint:gosec // names of fields, and no credentials
		Tokens: reply.Rules{
			Lifetime: cmp.Or(s.expiresIn, lifetime), Known: s.expiresIn > 0, Never: true,
			Rotates: true, Keeps: true,
		},
		Words: words, Complete: s.complete,
		Secrets: "client_id, client_secret or login_params",
		Setting: "token_url",
		Hints:   hints,
	}
}

// hints say what to do about the codes of RFC 6749 and RFC 8707. The codes are constants of ours,
// and may be shown.
var hints = map[string]string{
	"invalid request":         "refused as invalid_request: correct token_endpoint_auth_method or refresh_params",
	"invalid scope":           "refused as invalid_scope: correct scope in refresh_params or login_params",
	"invalid target":          "refused as invalid_target: correct resource or audience in refresh_params or login_params",
	"unsupported grant type":  "refused as unsupported_grant_type: is token_url right, and the grant allowed to this client?",
	"access denied":           "refused as access_denied: the service does not allow it",
	"temporarily unavailable": "the service says that it is temporarily unavailable",
}

// code is the error code of an answer: the field error, or the code or type in it. A sentence is no
// code: gateways put "Bad Request" there.
func code(root reply.Object) string {
	text := root.Text("error")
	if inner, ok := root.Object("error"); ok {
		text = cmp.Or(inner.Text("code"), inner.Text("type"))
	}
	if strings.ContainsFunc(text, notInCode) {
		return ""
	}
	return text
}

// notInCode reports whether no code contains r.
func notInCode(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-' && r != '.'
}

// complete adds the fields of the reply that readers get.
func (s *session) complete(d reply.Document, t *providers.Tokens) {
	if len(s.publish) == 0 {
		return
	}
	fields := map[string]json.RawMessage{}
	for _, name := range s.publish {
		fields[name] = json.RawMessage("null")
		for _, from := range []reply.Object{d.Root, d.Token()} { // those beside the token count
			if raw, ok := from[name]; ok {
				fields[name] = raw
			}
		}
	}
	text, err := json.Marshal(fields)
	if err != nil || len(text) > maxReply {
		t.Warnings = append(t.Warnings, "the fields to publish are too long for the secrets, and are left out")
		return
	}
	t.Reply = secret.New(string(text))
}

// maxReply limits what readers get beside the access token.
const maxReply = 16 << 10
