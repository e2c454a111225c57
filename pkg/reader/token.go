package reader

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/strict"
)

// Token is an access token as it is published.
type Token struct {
	AccessToken secret.String
	Type        string        // as the provider named it; empty: Bearer
	ExpiresAt   time.Time     // when its life ends
	RefreshAt   time.Time     // when a newer one is due; zero: not known
	ClientToken secret.String // of a Berbix transaction, with the same life; else empty
	AttemptID   string        // the attempt that got it; empty: not known
	// Reply is a JSON object of those fields of the provider's reply that the credentials
	// publish, such as instance_url; empty: none.
	Reply secret.String
}

// Field is a text or another value of Reply, such as "https://x.example" or 7.0; nil: there
// is no such field.
func (t Token) Field(name string) any { return t.fields()[name] }

// fields are those of Reply.
func (t Token) fields() map[string]any {
	var all map[string]any
	_ = json.Unmarshal([]byte(t.Reply.Reveal()), &all) // empty: no fields
	return all
}

// trimmed is the token without white space around it, which no header carries.
func (t Token) trimmed() Token {
	t.AccessToken = secret.New(strings.TrimSpace(t.AccessToken.Reveal()))
	t.Type = strings.TrimSpace(t.Type)
	return t
}

// SetAuthHeader sets the Authorization header of r, and so puts the secret there.
func (t Token) SetAuthHeader(r *http.Request) { t.oauth2(t.ExpiresAt).SetAuthHeader(r) }

// oauth2 is the token in the form of package oauth2, which keeps it until expiry.
func (t Token) oauth2(expiry time.Time) *oauth2.Token {
	token := &oauth2.Token{AccessToken: t.AccessToken.Reveal(), TokenType: t.Type, Expiry: expiry}
	if t.Reply.IsZero() {
		return token
	}
	return token.WithExtra(t.fields())
}

// check refuses a token that no request can carry, or that would be kept for ever.
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

// notInHeader reports whether r is anything except visible ASCII.
func notInHeader(r rune) bool { return r <= ' ' || r > '~' }

// ParseAccess reads the document of an `access` secret, for a Source of your own. Keys that it does
// not know are ignored. Its errors, all ErrMalformed, name keys and never values. It does not check
// that the document holds a token, or how long the token lives.
func ParseAccess(doc secret.String) (Token, error) {
	all, err := strict.Members(doc.Reveal())
	if err != nil {
		return Token{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	o := strict.Object{Members: all, Mistake: func(name, what string) error {
		return fmt.Errorf("%w: %s %s", ErrMalformed, name, what)
	}}
	t := Token{
		AccessToken: secret.New(o.Text("access_token")), Type: o.Text("token_type"),
		ExpiresAt: o.Time("access_expires_at"), RefreshAt: o.Time("refresh_at"),
	}
	_ = json.Unmarshal(all["attempt_id"], &t.AttemptID) // the token is good without it, and without the reply
	if reply := string(all["reply"]); strings.HasPrefix(reply, "{") {
		t.Reply = secret.New(reply)
	}
	if err := errors.Join(o.Mistakes...); err != nil {
		return Token{}, err
	}
	return t, nil
}
