package refresh

import (
	"errors"
	"maps"
	"slices"

	"tokenrefresh/pkg/secret"
)

// Tokens is the content of a tokens document.
type Tokens struct {
	RefreshToken secret.String
	AttemptID    string   // of the attempt that wrote it; empty: a person did
	Unknown      []string // names of keys that are kept, but not used
}

// ParseTokens reads a tokens document as a run does, and refuses what a run refuses. An empty one
// is no error. Its error names keys and no value.
func ParseTokens(doc secret.String) (Tokens, error) {
	c, err := parseChain(doc)
	if err != nil {
		return Tokens{}, err
	}
	return Tokens{RefreshToken: c.refreshToken, AttemptID: c.attemptID, Unknown: slices.Sorted(maps.Keys(c.others))}, nil
}

// ParseSeed reads a tokens document that a person writes. It also refuses one without a refresh
// token, and one whose token counts as presented.
func ParseSeed(doc secret.String) (Tokens, error) {
	t, err := ParseTokens(doc)
	switch {
	case err != nil:
		return t, err
	case t.RefreshToken.Blank():
		return t, errors.New(`"refresh_token" is missing`)
	case t.AttemptID != "":
		return t, errors.New(`"attempt_id" marks what a run has written, whose token counts as presented: ` +
			`leave it out, {"refresh_token":"…"} is enough`)
	}
	return t, nil
}
