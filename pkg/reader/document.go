package reader

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/strict"
)

// ParseAccess reads the document of an `access` secret, for a Source of your own. Keys that it does
// not know are ignored. Its errors, all ErrMalformed, name keys and never values. It does not check
// that there is a token in it, nor how long that lives.
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
