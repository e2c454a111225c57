package refresh

import (
	"errors"
	"maps"
	"slices"

	"tokenrefresh/pkg/secret"
)

// Seed is a tokens document that a person writes.
type Seed struct {
	RefreshToken secret.String
	Unknown      []string // names of keys that are kept, but not used
}

// ParseSeed reads a tokens document, and refuses one without a refresh token or with one that
// counts as presented. Its error names keys and no value.
func ParseSeed(doc secret.String) (Seed, error) {
	c, err := parseChain(doc)
	switch {
	case err != nil:
		return Seed{}, err
	case c.refreshToken.Blank():
		return Seed{}, errors.New(`"refresh_token" is missing`)
	case c.attemptID != "":
		return Seed{}, errors.New(`"attempt_id" marks what a run has written, whose token counts as presented: ` +
			`leave it out, {"refresh_token":"…"} is enough`)
	}
	return Seed{RefreshToken: c.refreshToken, Unknown: slices.Sorted(maps.Keys(c.others))}, nil
}

// Tokens is the content of any tokens document.
type Tokens struct {
	RefreshToken secret.String
	AttemptID    string // of the attempt that wrote it; empty: a person did
}

// ParseTokens reads a tokens document as a run does, and refuses what a run refuses. An empty one
// is no error. Its error names keys and no value.
func ParseTokens(doc secret.String) (Tokens, error) {
	c, err := parseChain(doc)
	if err != nil {
		return Tokens{}, err
	}
	return Tokens{RefreshToken: c.refreshToken, AttemptID: c.attemptID}, nil
}
