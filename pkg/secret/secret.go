// Package secret holds values that must never be printed: tokens, passwords, keys.
package secret

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"unique"
)

// mask is what every way of printing a String shows.
const mask = "[secret]"

// String is a secret text. Every format verb, encoder and logger shows a mask
// instead; only Reveal gives the text. The zero value is the empty secret and
// prints as "".
//
// Secrets are equal (==) if their texts are.
//
// The text stays in memory until the garbage collector reuses it.
type String struct {
	// It is a handle and not the text, because fmt does not call the methods of an unexported
	// field: it prints the value, which is an address here.
	handle unique.Handle[string]
}

// New wraps text.
func New(text string) String {
	if text == "" {
		return String{}
	}
	return String{unique.Make(text)}
}

// Reveal returns the text. Call it only to send the text to its provider or its store.
func (s String) Reveal() string {
	if s.IsZero() {
		return ""
	}
	return s.handle.Value()
}

// IsZero reports whether the secret is empty; encoding/json's omitzero uses it.
func (s String) IsZero() bool { return s == String{} }

// Equal is == as a method.
func (s String) Equal(other String) bool { return s == other }

// Blank reports whether the secret is empty or white space only.
func (s String) Blank() bool { return strings.TrimSpace(s.Reveal()) == "" }

// Fingerprint is the lower-case hex SHA-256 of the text: it shows whether two secrets are equal and
// nothing else. It is safe to store for refresh tokens, which have enough entropy; never store
// those of passwords.
func (s String) Fingerprint() string {
	sum := sha256.Sum256([]byte(s.Reveal()))
	return hex.EncodeToString(sum[:])
}

// String implements fmt.Stringer with a mask.
func (s String) String() string {
	if s.IsZero() {
		return ""
	}
	return mask
}

// Format implements fmt.Formatter, so that no verb, %x and %#v included,
// reaches the text.
func (s String) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// MarshalText implements encoding.TextMarshaler with a mask. A secret that is
// meant to be stored is revealed by the code that builds the stored document.
func (s String) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue implements slog.LogValuer with a mask.
func (s String) LogValue() slog.Value { return slog.StringValue(s.String()) }
