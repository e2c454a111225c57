package seed

import (
	"errors"
	"strings"
	"unicode"

	"tokenrefresh/pkg/refresh"
	"tokenrefresh/pkg/secret"
)

// ParseToken reads a refresh token as people give it: bare, or as {"refresh_token":"…"}. It refuses
// a text that cannot be a token, because that might replace a good one. Its error shows no value.
func ParseToken(text secret.String) (refresh.Tokens, error) {
	doc, err := document(text)
	if err != nil {
		return refresh.Tokens{}, err
	}
	seed, err := refresh.ParseSeed(doc)
	if err != nil {
		return refresh.Tokens{}, err
	}
	switch token := seed.RefreshToken.Reveal(); {
	case strings.ContainsFunc(token, unicode.IsSpace):
		return refresh.Tokens{}, errors.New("there is white space in the refresh token: give one token, in one line")
	case strings.Contains(token, "{"):
		return refresh.Tokens{}, errors.New(`there is a { in the refresh token: give it bare, or as {"refresh_token":"…"}`)
	}
	return seed, nil
}

// document makes a tokens document from a person's input.
func document(text secret.String) (secret.String, error) {
	if strings.HasPrefix(text.Reveal(), "{") {
		return text, nil
	}
	return encoded(map[string]any{"refresh_token": text.Reveal()})
}
