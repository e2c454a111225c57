package tconnect

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"tokenrefresh/pkg/aes"
	"tokenrefresh/pkg/providers/reply"
	"tokenrefresh/pkg/providers/verdict"
)

// tokenRules: a refresh always gives a new refresh token. Ten hours are published for an
// access token, but not as a promise: a reply that names no lifetime is believed for
// ten minutes only, which a schedule of a minute can serve.
var tokenRules = reply.Rules{Lifetime: 10 * time.Minute, Longest: 10 * time.Hour, Rotates: true}

// words: errors are not documented. They may be Keycloak's, or a wrapper with a code and
// a message around no data, in Vietnamese too.
var words = verdict.Words{
	Own: func(root reply.Object) bool {
		_, wrapper := root["data"]
		return root.Says("error") && root.Says("error_description") || wrapper && (root.Says("code") || root.Says("message"))
	},
	Refused: []string{
		"token is not active", "session not active", "stale token", "maximum allowed refresh token reuse exceeded",
		"refresh token không hợp lệ", "refresh token hết hạn", "refresh token đã hết hạn", "refresh token không tồn tại",
	},
	Credentials: []string{"unknown partner", "invalid partner", "invalid partner code", "partner not found"},
}

// rules are TConnect's, with the session's way to decrypt.
func (s *session) rules() verdict.Rules {
	return verdict.Rules{
		Tokens: tokenRules, Words: words, Open: s.open,
		Secrets: "username, password, client_id, client_secret, partner_code or aes_key",
	}
}

// errSealed is for people who have to mend it.
var errSealed = errors.New("the answer can be neither read nor decrypted: are aes_key, aes_iv and aes_iv_mode right?")

// open returns the text that an answer carries: itself, or what is encrypted in it, as
// hex that is the whole answer, a JSON string, or the field "data".
func (s *session) open(text string) (inner string, opened bool, err error) {
	d := reply.Read(text)
	data := d.Root.Text("data")
	switch {
	case d.Token() != nil:
		return text, false, nil
	case d.Root == nil:
		data = text
		var quoted string
		if json.Unmarshal([]byte(text), &quoted) == nil {
			data = quoted
		}
	case data == "":
		return text, false, nil
	}
	if inner, err := s.decrypt(data); err == nil {
		if again, opened, _ := s.open(inner); opened {
			inner = again
		}
		return inner, true, nil
	}
	if d.Root.Says("error") || reply.IsHTML(text) || strings.TrimSpace(text) == "" {
		return text, false, nil
	}
	return text, false, errSealed
}

// decrypt opens hex. It fails in one way only.
func (s *session) decrypt(hex string) (string, error) {
	sealed, err := s.cipher.DecryptHex(strings.Join(strings.Fields(hex), ""))
	if err != nil {
		return "", aes.ErrDecrypt
	}
	plain, _ := reply.Plain(sealed, reply.Form{}, maxPlain)
	if d := reply.Read(string(plain)); d.Root == nil && d.Token() == nil {
		return "", aes.ErrDecrypt
	}
	return string(plain), nil
}

// maxPlain bounds what an answer may unpack to.
const maxPlain = 1 << 20
