package reader

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tokenrefresh/pkg/secret"
)

// ParseAccess reads the document of an `access` secret, for a Source of your own. Keys
// that it does not know are ignored. Its errors, all ErrMalformed, name keys and never
// values. Whether there is a token in it, and how long it lives, is not its business.
func ParseAccess(doc secret.String) (Token, error) {
	var all map[string]json.RawMessage // not a struct: its keys would match in any case
	if err := json.Unmarshal([]byte(doc.Reveal()), &all); err != nil || all == nil {
		return Token{}, fmt.Errorf("%w: the text is not a JSON object", ErrMalformed)
	}
	var errs []error
	text := func(name string) (s string) {
		if raw, ok := all[name]; ok && json.Unmarshal(raw, &s) != nil {
			errs = append(errs, fmt.Errorf("%w: %s is not a string", ErrMalformed, name))
		}
		return s
	}
	moment := func(name string) time.Time {
		s := text(name)
		if s == "" {
			return time.Time{}
		}
		t, err := time.Parse(time.RFC3339, s)
		if err != nil { // it would quote the text
			errs = append(errs, fmt.Errorf("%w: %s is not a time of RFC 3339", ErrMalformed, name))
		}
		return t.UTC()
	}
	t := Token{
		AccessToken: secret.New(text("access_token")),
		Type:        text("token_type"),
		ExpiresAt:   moment("access_expires_at"),
		RefreshAt:   moment("refresh_at"),
	}
	_ = json.Unmarshal(all["attempt_id"], &t.AttemptID) // without it the token is as good
	if err := errors.Join(errs...); err != nil {
		return Token{}, err
	}
	return t, nil
}
