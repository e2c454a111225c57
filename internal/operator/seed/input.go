package seed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"tokenrefresh/internal/operator/terminal"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/refresh"
	"tokenrefresh/pkg/secret"
)

// complete reports whether a pasted text is complete: it is no JSON object, or a complete one, or
// ends with an empty line.
func complete(text string) bool {
	trimmed := strings.TrimSpace(text)
	return !strings.HasPrefix(trimmed, "{") || json.Valid([]byte(trimmed)) || strings.HasSuffix(text, "\n")
}

// AskTokens asks for a refresh token.
func AskTokens(ctx context.Context, person terminal.Person) (secret.String, error) {
	return person.AskHidden(ctx, "refresh_token (not shown)", complete)
}

// AskCredentials asks for a provider's credentials: for all as JSON, or for each field. Fields with
// an empty answer are left out.
func AskCredentials(ctx context.Context, fields []providers.Field, person terminal.Person) (secret.String, error) {
	whole, err := person.AskHidden(ctx, "paste the JSON, or press Enter to be asked for each field (not shown)", complete)
	switch {
	case err != nil:
		return secret.String{}, err
	case strings.HasPrefix(whole.Reveal(), "{"):
		return whole, nil
	case !whole.Blank():
		return secret.String{}, errors.New("that is not a JSON object: begin again, or press Enter to be asked for each field")
	}
	all := map[string]any{}
	asked, login := false, false
	for _, field := range fields {
		if field.Login && asked && !login {
			continue
		}
		answer, err := askField(ctx, field, field.Login && asked, person)
		if err != nil {
			return secret.String{}, err
		}
		if field.Login && !asked {
			asked, login = true, !answer.Blank()
		}
		switch {
		case answer.Blank():
		case field.JSON == "":
			all[field.Name] = answer.Reveal()
		case json.Valid([]byte(answer.Reveal())):
			all[field.Name] = json.RawMessage(answer.Reveal())
		default:
			return secret.String{}, fmt.Errorf("%s is not JSON", field.Name)
		}
	}
	return encoded(all)
}

// askField asks for one field. login: other login fields were answered, so this one is needed too.
func askField(ctx context.Context, field providers.Field, login bool, person terminal.Person) (secret.String, error) {
	question := field.Name
	if field.JSON != "" {
		question += ", " + field.JSON
	}
	switch {
	case login:
	case field.Login:
		question += " (Enter: no login, only a refresh token)"
	case field.Optional:
		question += " (optional)"
	}
	if field.Secret {
		return person.AskHidden(ctx, question+" (not shown)", nil)
	}
	answer, err := person.Ask(ctx, question)
	return secret.New(answer), err
}

// ParseToken reads a refresh token as people give it, bare or as {"refresh_token":"…"}, and returns
// its document too. It refuses a text that cannot be a token, because that might replace a good one.
// Its error shows no value.
func ParseToken(text secret.String) (seed refresh.Seed, document secret.String, err error) {
	document = text
	if !strings.HasPrefix(text.Reveal(), "{") {
		if document, err = encoded(map[string]any{"refresh_token": text.Reveal()}); err != nil {
			return seed, document, err
		}
	}
	seed, err = refresh.ParseSeed(document)
	switch token := seed.RefreshToken.Reveal(); {
	case err != nil:
	case strings.ContainsFunc(token, unicode.IsSpace):
		err = errors.New("there is white space in the refresh token: give one token, in one line")
	case strings.Contains(token, "{"):
		err = errors.New(`there is a { in the refresh token: give it bare, or as {"refresh_token":"…"}`)
	}
	return seed, document, err
}

func encoded(all map[string]any) (secret.String, error) {
	text, err := json.Marshal(all)
	if err != nil {
		err = fmt.Errorf("encode the answers: %T", err)
	}
	return secret.New(string(text)), err
}
