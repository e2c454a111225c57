package oauth2

import (
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/exchange"
)

// Read reads an answer as a session without settings does.
func Read(answer exchange.Reply) (providers.Tokens, error) { return (&session{}).rules().Read(answer) }
