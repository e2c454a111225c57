package tconnect

import (
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/exchange"
)

// Read reads an answer as a session's Refresh and Login do.
func Read(s providers.Session, answer exchange.Reply) (providers.Tokens, error) {
	return s.(*session).read(answer)
}
