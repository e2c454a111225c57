package seed

import (
	"encoding/json"
	"fmt"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/secret"
)

// Ask asks a person for one text; hidden: without showing it.
type Ask func(question string, hidden bool) (secret.String, error)

// AskCredentials asks for each field of a provider's credentials. What is answered with
// nothing is left out.
func AskCredentials(fields []providers.Field, ask Ask) (secret.String, error) {
	all := map[string]any{}
	for _, field := range fields {
		question := field.Name
		if field.Object {
			question += ", a JSON object"
		}
		if field.Optional {
			question += " (optional)"
		}
		answer, err := ask(question, field.Secret)
		if err != nil {
			return secret.String{}, err
		}
		switch {
		case answer.Blank():
		case !field.Object:
			all[field.Name] = answer.Reveal()
		case json.Valid([]byte(answer.Reveal())):
			all[field.Name] = json.RawMessage(answer.Reveal())
		default:
			return secret.String{}, fmt.Errorf("%s is not JSON", field.Name)
		}
	}
	return encoded(all)
}

// AskTokens asks for a refresh token.
func AskTokens(ask Ask) (secret.String, error) { return ask("refresh_token", true) }

func encoded(all map[string]any) (secret.String, error) {
	text, err := json.Marshal(all)
	if err != nil {
		return secret.String{}, fmt.Errorf("encode the answers: %T", err)
	}
	return secret.New(string(text)), nil
}
