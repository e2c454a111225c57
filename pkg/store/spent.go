package store

import (
	"slices"

	"tokenrefresh/pkg/secret"
)

// Presented reports whether token is among the last refresh tokens presented, which may
// be spent.
func (r Row) Presented(token secret.String) bool {
	return slices.Contains(r.Spent, token.Fingerprint())
}

// PresentedLast reports whether token is the refresh token presented last.
func (r Row) PresentedLast(token secret.String) bool {
	n := len(r.Spent)
	return n > 0 && r.Spent[n-1] == token.Fingerprint()
}

// WithoutSpent returns spent without a token's fingerprint.
func WithoutSpent(spent []string, token secret.String) []string {
	return slices.DeleteFunc(slices.Clone(spent), func(known string) bool { return known == token.Fingerprint() })
}
