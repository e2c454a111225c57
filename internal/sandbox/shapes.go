package sandbox

import (
	"cmp"
	"fmt"
	"net/http"

	"tokenrefresh/pkg/aes"
)

// ReplyShape is the form of TConnect's successes; its documentation leaves it open.
type ReplyShape int

// The forms.
const (
	Plain         ReplyShape = iota // {"access_token":…}
	Wrapped                         // {"data":{"access_token":…}}
	EncryptedData                   // {"data":"<hex>"}
	BareHex                         // <hex>
	QuotedHex                       // "<hex>"
)

// ErrorShape is the form of TConnect's errors; its documentation has none.
type ErrorShape int

// The forms.
const (
	Keycloak       ErrorShape = iota // {"error":…,"error_description":…}
	Wrapper                          // {"code":…,"message":…,"data":null}
	KeycloakOK                       // Keycloak's under status 200
	WrapperOK                        // Wrapper's under status 200
	EncryptedError                   // {"data":"<hex of Keycloak's>"}
)

// shape makes a success out of its plain body.
func (t *tconnect) shape(s settings, plain []byte) reply {
	shape := s.reply
	if s.wrongKey && (shape == Plain || shape == Wrapped) {
		shape = EncryptedData
	}
	rep := success(plain)
	switch shape {
	case Plain:
	case Wrapped:
		rep.body = fmt.Appendf(nil, `{"data":%s}`, plain)
	case EncryptedData:
		rep.body = fmt.Appendf(nil, `{"data":"%s"}`, t.encrypt(s, plain))
	case BareHex:
		rep.kind, rep.body = "text/plain; charset=utf-8", []byte(t.encrypt(s, plain))
	case QuotedHex:
		rep.body = fmt.Appendf(nil, `"%s"`, t.encrypt(s, plain))
	}
	return rep
}

// refuse makes an error.
func (t *tconnect) refuse(s settings, status int, code, description string) reply {
	plain := fmt.Appendf(nil, `{"error":%s,"error_description":%s}`, quote(code), quote(description))
	wrapper := fmt.Appendf(nil, `{"code":%d,"message":%s,"data":null}`, status, quote(description))
	switch s.problem {
	case Wrapper:
		return jsonReply(status, wrapper)
	case KeycloakOK:
		return jsonReply(http.StatusOK, plain)
	case WrapperOK:
		return jsonReply(http.StatusOK, wrapper)
	case EncryptedError:
		return jsonReply(status, fmt.Appendf(nil, `{"data":"%s"}`, t.encrypt(s, plain)))
	case Keycloak:
	}
	return jsonReply(status, plain)
}

// tconnectKey is what the two sides agree upon, in hex.
type tconnectKey struct{ key, iv string }

func (k tconnectKey) cipher(mode aes.Mode) (*aes.Cipher, error) {
	key, err := aes.ParseKey(k.key)
	if err != nil {
		return nil, err
	}
	if mode == aes.Fixed {
		return aes.NewCipher(key, mode, k.iv)
	}
	return aes.NewCipher(key, mode, "")
}

func (t *tconnect) mode(s settings) aes.Mode {
	return cmp.Or(s.iv, t.iv)
}

func (t *tconnect) encrypt(s settings, plain []byte) string {
	key := t.key
	if s.wrongKey {
		key = t.otherKey
	}
	cipher, err := key.cipher(t.mode(s))
	if err != nil {
		panic(err) // IVMode was given none of aes's modes
	}
	return cipher.EncryptHex(plain)
}

func (t *tconnect) decrypt(s settings, text string) ([]byte, error) {
	cipher, err := t.key.cipher(t.mode(s))
	if err != nil {
		return nil, err
	}
	return cipher.DecryptHex(text)
}
