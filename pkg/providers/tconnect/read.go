package tconnect

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"tokenrefresh/pkg/aes"
	"tokenrefresh/pkg/providers/reply"
	"tokenrefresh/pkg/providers/verdict"
)

// rules: a refresh always gives a new refresh token. TConnect publishes ten hours for an access token,
// but does not promise them: a token without a lifetime is believed for ten minutes only, which a
// schedule of a minute can serve.
//
// Errors are not documented. They may be Keycloak's, or a wrapper with a code and a message around no
// data, in Vietnamese too.
var rules = verdict.Rules{
	Tokens: reply.Rules{Lifetime: 10 * time.Minute, Longest: 10 * time.Hour, Rotates: true},
	Words: verdict.Words{
		Own: func(root reply.Object) bool {
			_, wrapper := root["data"]
			return root.Says("error") && root.Says("error_description") || wrapper && (root.Says("code") || root.Says("message"))
		},
		Refused: []string{
			"token is not active", "session not active", "stale token", "maximum allowed refresh token reuse exceeded",
			"refresh token không hợp lệ", "refresh token hết hạn", "refresh token đã hết hạn", "refresh token không tồn tại",
		},
		Credentials: []string{"unknown partner", "invalid partner", "invalid partner code", "partner not found"},
	},
	Secrets: "username, password, client_id, client_secret, partner_code or aes_key",
}

// errSealed tells people what to correct.
var errSealed = errors.New("the answer can be neither read nor decrypted: are aes_key, aes_iv and aes_iv_mode right?")

// open returns the text of an answer: the answer itself, or the decrypted text of the whole answer,
// of a JSON string, or of any field.
func (s *session) open(text string) (inner string, opened bool, err error) {
	d := reply.Read(text)
	if d.Token() != nil {
		return text, false, nil
	}
	for _, sealed := range reply.Texts(text) {
		inner, err := s.decrypt(sealed)
		if err != nil {
			continue
		}
		if again, opened, _ := s.open(inner); opened {
			inner = again
		}
		return inner, true, nil
	}
	readable := d.Root != nil && (d.Root.Text("data") == "" || d.Root.Says("error"))
	if readable || reply.IsHTML(text) || strings.TrimSpace(text) == "" {
		return text, false, nil
	}
	return text, false, errSealed
}

// decrypt opens hex, or Base64. It has one error only.
func (s *session) decrypt(text string) (string, error) {
	text = strings.TrimPrefix(strings.Join(strings.Fields(text), ""), "0x")
	sealed, err := s.cipher.DecryptHex(text)
	if binary, notBase64 := base64.StdEncoding.DecodeString(text); err != nil && notBase64 == nil {
		sealed, err = s.cipher.DecryptHex(hex.EncodeToString(binary))
	}
	if err != nil {
		return "", aes.ErrDecrypt
	}
	plain, _ := reply.Plain(sealed, reply.Form{}, maxPlain)
	if d := reply.Read(string(plain)); d.Root == nil && d.Token() == nil {
		return "", aes.ErrDecrypt
	}
	return string(plain), nil
}

// maxPlain limits the size of an unpacked answer.
const maxPlain = 1 << 20
