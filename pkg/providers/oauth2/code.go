package oauth2

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/providers/reply"
	"tokenrefresh/pkg/secret"
)

// Authorization implements providers.Authorizing.
func (s *session) Authorization() providers.Authorization { return s.authorization }

// Redeem implements providers.Authorizing.
func (s *session) Redeem(ctx context.Context, code secret.String, redirectURI, verifier string) (providers.Tokens, error) {
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code.Reveal()}, "redirect_uri": {redirectURI}}
	if verifier != "" {
		form.Set("code_verifier", verifier)
	}
	answer, err := s.send(ctx, "code", form)
	if err != nil {
		return providers.Tokens{}, err
	}
	tokens, err := s.Read(answer)
	e, failed := errors.AsType[*providers.Error](err)
	if !failed {
		return tokens, err
	}
	if e.Kind == providers.Refused || e.Kind == providers.MaybeRefused {
		e.Hint = "the code is refused: it is good once, for a short time, and for this client, redirect URI and PKCE alone"
	}
	if said := said(answer, code.Reveal(), verifier, s.secret.Reveal()); said != "" {
		return tokens, fmt.Errorf("%w; the service says: %s", e, said)
	}
	return tokens, err
}

// maxSaid bounds what is shown of an answer, in runes.
const maxSaid = 300

// said is what an answer says is wrong, in its own words; empty where they may hold what was
// sent.
func said(answer exchange.Reply, sent ...string) string {
	root := reply.Read(answer.Body.Reveal()).Root
	text := strings.Join(strings.Fields(root.Text("error")+" "+root.Text("error_description")), " ")
	if runes := []rune(text); len(runes) > maxSaid {
		text = string(runes[:maxSaid]) + "…"
	}
	for _, value := range sent {
		if value != "" && strings.Contains(text, value) {
			return ""
		}
	}
	return text
}
