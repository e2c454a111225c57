package reader

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"tokenrefresh/pkg/secret"
)

// Token is an access token as it is published.
type Token struct {
	AccessToken secret.String
	Type        string        // as the provider named it; empty: Bearer
	ExpiresAt   time.Time     // when its life ends
	RefreshAt   time.Time     // when a newer one is due; zero: not known
	ClientToken secret.String // of a Berbix transaction, with the same life; else empty
	AttemptID   string        // names the attempt that got it; empty: not known
}

// trimmed is the token without white space around it, which no header carries.
func (t Token) trimmed() Token {
	t.AccessToken = secret.New(strings.TrimSpace(t.AccessToken.Reveal()))
	t.Type = strings.TrimSpace(t.Type)
	return t
}

// SetAuthHeader sets the Authorization header of r, and so puts the secret there.
func (t Token) SetAuthHeader(r *http.Request) { t.oauth2(t.ExpiresAt).SetAuthHeader(r) }

// oauth2 is the token for who may keep it until expiry.
func (t Token) oauth2(expiry time.Time) *oauth2.Token {
	return &oauth2.Token{AccessToken: t.AccessToken.Reveal(), TokenType: t.Type, Expiry: expiry}
}

// check refuses what no request can carry, or what would be kept for ever.
func (t Token) check() error {
	switch {
	case t.AccessToken.Blank():
		return ErrNotPublished
	case strings.ContainsFunc(t.AccessToken.Reveal(), notInHeader):
		return fmt.Errorf("%w: access_token has a character that no header can carry", ErrMalformed)
	case strings.ContainsFunc(t.Type, notInHeader):
		return fmt.Errorf("%w: token_type has a character that no header can carry", ErrMalformed)
	case t.ExpiresAt.IsZero():
		return fmt.Errorf("%w: access_expires_at is missing", ErrMalformed)
	}
	return nil
}

// notInHeader is true of all but visible ASCII.
func notInHeader(r rune) bool { return r <= ' ' || r > '~' }
