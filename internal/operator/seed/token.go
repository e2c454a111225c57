package seed

import (
	"errors"
	"strings"
	"unicode"

	"tokenrefresh/pkg/refresh"
	"tokenrefresh/pkg/secret"
)

// ParseToken reads a refresh token as people give it: bare, or as {"refresh_token":"…"}.
// It refuses what no token looks like, for a good one may be replaced by it. Its error
// tells no value.
func ParseToken(text secret.String) (refresh.Seed, error) {
	doc, err := document(text)
	if err != nil {
		return refresh.Seed{}, err
	}
	seed, err := refresh.ParseSeed(doc)
	if err != nil {
		return refresh.Seed{}, err
	}
	switch token := seed.RefreshToken.Reveal(); {
	case strings.ContainsFunc(token, unicode.IsSpace):
		return refresh.Seed{}, errors.New("there is white space in the refresh token: give one token, in one line")
	case strings.Contains(token, "{"):
		return refresh.Seed{}, errors.New(`there is a { in the refresh token: give it bare, or as {"refresh_token":"…"}`)
	}
	return seed, nil
}

// document is the tokens document of what people give.
func document(text secret.String) (secret.String, error) {
	if strings.HasPrefix(text.Reveal(), "{") {
		return text, nil
	}
	return encoded(map[string]any{"refresh_token": text.Reveal()})
}
