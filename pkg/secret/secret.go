// Package secret holds values that must never be printed: tokens, passwords, keys.
package secret

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
)

// mask is what every way of printing a String shows.
const mask = "[secret]"

// String is a secret text. Every format verb, encoder and logger shows a mask
// instead; only Reveal gives the text. The zero value is the empty secret and
// prints as "".
//
// Not guaranteed: the text stays in memory until the garbage collector reuses it.
type String struct{ text string }

// New wraps text.
func New(text string) String { return String{text} }

// Reveal returns the text. Call it only where the text leaves for its provider
// or its store.
func (s String) Reveal() string { return s.text }

// IsZero reports whether the secret is empty; encoding/json's omitzero uses it.
func (s String) IsZero() bool { return s.text == "" }

// Blank reports whether the secret is empty or white space only.
func (s String) Blank() bool { return strings.TrimSpace(s.text) == "" }

// Fingerprint is the lower-case hex SHA-256 of the text: it tells whether two
// secrets are equal and nothing else. Refresh tokens have enough entropy for
// that to be safe to store; passwords have not, so never store theirs.
func (s String) Fingerprint() string {
	sum := sha256.Sum256([]byte(s.text))
	return hex.EncodeToString(sum[:])
}

// String implements fmt.Stringer with a mask.
func (s String) String() string {
	if s.text == "" {
		return ""
	}
	return mask
}

// Format implements fmt.Formatter, so that no verb, %x and %#v included,
// reaches the text.
func (s String) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// GoString implements fmt.GoStringer with a mask.
func (s String) GoString() string { return s.String() }

// MarshalText implements encoding.TextMarshaler with a mask. A secret that is
// meant to be stored is revealed by the code that builds the stored document.
func (s String) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue implements slog.LogValuer with a mask.
func (s String) LogValue() slog.Value { return slog.StringValue(s.String()) }
