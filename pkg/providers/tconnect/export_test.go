package tconnect

import (
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/exchange"
)

// Read reads an answer.
func Read(s providers.Session, answer exchange.Reply) (providers.Tokens, error) {
	return s.(*session).rules().Read(answer)
}
