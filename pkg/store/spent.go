package store

import (
	"encoding/base64"
	"encoding/hex"
	"slices"

	"tokenrefresh/pkg/secret"
)

// Fingerprints of presented tokens are kept short: eight bytes tell them apart. Older releases read
// only whole ones, of 32 bytes. For them the last two are kept whole: that of the current attempt,
// and the one before it, whose token a stale read may return.
const (
	spentWhole = 2
	shortBytes = 8
	shortText  = 11 // of shortBytes in base64
	wholeText  = 64 // of 32 bytes in hex
)

// short shortens a fingerprint. A short one stays as it is. ok is false for any other text.
func short(fingerprint string) (text [shortText]byte, ok bool) {
	if len(fingerprint) == shortText {
		copy(text[:], fingerprint)
		return text, true
	}
	if len(fingerprint) != wholeText {
		return text, false
	}
	var raw [shortBytes]byte
	if _, err := hex.Decode(raw[:], []byte(fingerprint[:2*shortBytes])); err != nil {
		return text, false
	}
	base64.RawURLEncoding.Encode(text[:], raw[:])
	return text, true
}

// sameFingerprint compares fingerprints, whichever forms they have.
func sameFingerprint(a, b string) bool {
	if a == b || len(a) == len(b) {
		return a == b
	}
	one, ok := short(a)
	other, also := short(b)
	return ok && also && one == other
}

// PackSpent splits Row.Spent for a home: short forms of all in one text, and the last ones whole.
// A list that holds other texts stays whole.
func PackSpent(spent []string) (packed string, whole []string) {
	all := make([]byte, 0, len(spent)*shortText)
	for i, fingerprint := range spent {
		text, ok := short(fingerprint)
		if !ok {
			return "", spent
		}
		all = append(all, text[:]...)
		if i >= len(spent)-spentWhole && len(fingerprint) == wholeText {
			whole = append(whole, fingerprint)
		}
	}
	return string(all), whole
}

// UnpackSpent restores Row.Spent, the oldest first. An older release has added those whole
// fingerprints that are not packed.
func UnpackSpent(packed string, whole []string) []string {
	if packed == "" {
		return whole
	}
	all := make([]string, 0, len(packed)/shortText+len(whole))
	for ; len(packed) >= shortText; packed = packed[shortText:] {
		all = append(all, packed[:shortText])
	}
	for _, fingerprint := range whole {
		text, _ := short(fingerprint)
		if at := slices.Index(all, string(text[:])); at >= 0 {
			all[at] = fingerprint
		} else {
			all = append(all, fingerprint)
		}
	}
	return all[max(0, len(all)-SpentKept):]
}

// Presented reports whether token is among the last refresh tokens presented, which may
// be spent.
func (r Row) Presented(token secret.String) bool {
	fingerprint := token.Fingerprint()
	return slices.ContainsFunc(r.Spent, func(known string) bool { return sameFingerprint(known, fingerprint) })
}

// WithoutSpent returns spent without a token's fingerprint.
func WithoutSpent(spent []string, token secret.String) []string {
	fingerprint := token.Fingerprint()
	return slices.DeleteFunc(slices.Clone(spent), func(known string) bool { return sameFingerprint(known, fingerprint) })
}
