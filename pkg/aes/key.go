package aes

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// KeySize is the length of a key in bytes.
const KeySize = 32

// Key is an AES-256 key. It prints as a mask. The zero Key is not usable.
type Key struct {
	// A pointer, so that fmt shows an address even for a Key in an unexported field, where it
	// cannot call Format.
	bytes *[KeySize]byte
}

// ParseKey reads a key of 32 bytes from its text: 64 hex digits, 32 bytes of UTF-8 or 44 characters
// of base64, distinguished by their length. The prefix "hex:", "utf8:" or "base64:" names the
// encoding. Its error shows nothing of text.
func ParseKey(text string) (Key, error) {
	raw, err := decode(text, KeySize)
	if err != nil {
		return Key{}, fmt.Errorf("not a key of %d bytes: %w", KeySize, err)
	}
	return Key{bytes: (*[KeySize]byte)(raw)}, nil
}

// Format implements fmt.Formatter with a mask, whatever the verb.
func (Key) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[aes key]")) }

// decode reads size bytes from text by its prefix or, without one, by its length.
func decode(text string, size int) ([]byte, error) {
	encoding, body, named := strings.Cut(text, ":")
	if !named || encoding != "hex" && encoding != "utf8" && encoding != "base64" {
		body = text
		switch len(text) {
		case hex.EncodedLen(size):
			encoding = "hex"
		case size:
			encoding = "utf8"
		case base64.StdEncoding.EncodedLen(size):
			encoding = "base64"
		default:
			return nil, fmt.Errorf("%d bytes of text; give %d hex digits, %d bytes of UTF-8 or %d characters of base64",
				len(text), hex.EncodedLen(size), size, base64.StdEncoding.EncodedLen(size))
		}
	}
	var raw []byte
	var err error
	switch encoding {
	case "hex":
		raw, err = hex.DecodeString(body)
	case "base64":
		raw, err = base64.StdEncoding.Strict().DecodeString(body)
	default:
		raw = []byte(body)
	}
	if err != nil {
		// The decoders' own errors quote the text.
		return nil, errors.New("malformed " + encoding)
	}
	if len(raw) != size {
		return nil, fmt.Errorf("%s of %d bytes instead of %d", encoding, len(raw), size)
	}
	return raw, nil
}
