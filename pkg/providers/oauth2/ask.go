package oauth2

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/url"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/providers/reply"
	"tokenrefresh/pkg/secret"
)

// Ask implements providers.Reusing. What the provider says of the refresh token itself counts
// first.
func (s *session) Ask(ctx context.Context, refreshToken, accessToken secret.String) (providers.Evidence, error) {
	var evidence providers.Evidence
	var err error
	if s.introspection != nil {
		evidence, err = s.introspect(ctx, refreshToken)
	}
	if evidence == providers.NoEvidence && s.probe != nil && !accessToken.IsZero() {
		evidence, err = s.tryProbe(ctx, accessToken)
	}
	return evidence, err
}

// introspect asks the provider itself whether refreshToken is active (RFC 7662).
func (s *session) introspect(ctx context.Context, refreshToken secret.String) (providers.Evidence, error) {
	r := s.request(url.Values{"token": {refreshToken.Reveal()}, "token_type_hint": {"refresh_token"}})
	r.Op, r.URL, r.Setting = "introspect", s.introspection, "introspection_url"
	answer, err := s.Client.Post(ctx, r)
	if err != nil {
		return providers.NoEvidence, err
	}
	d := reply.Read(answer.Body.Reveal())
	switch {
	case !answer.Success() || !d.Whole || answer.Cut != nil:
	case d.Root.Is("active", true):
		return providers.NotActed, nil
	case d.Root.Is("active", false):
		return providers.Acted, nil
	}
	return noEvidence(answer, "the answer does not say whether the refresh token is active")
}

// tryProbe makes a harmless call with accessToken. A 2xx means that no refresh has ended it, a 401
// that one has: the credentials name an address only if a refresh ends the access token. An address
// that accepts every token is no evidence.
func (s *session) tryProbe(ctx context.Context, accessToken secret.String) (providers.Evidence, error) {
	answer, err := s.getProbe(ctx, accessToken)
	switch {
	case err != nil:
		return providers.NoEvidence, err
	case answer.Status == http.StatusUnauthorized:
		return providers.Acted, nil
	case !answer.Success():
		return noEvidence(answer, "the probe is answered by neither a 2xx nor a 401")
	}
	stranger, err := s.getProbe(ctx, secret.New(rand.Text()))
	switch {
	case err != nil:
		return providers.NoEvidence, err
	case stranger.Status != http.StatusUnauthorized:
		return noEvidence(stranger, "the probe proves nothing: it does not refuse a token that does not exist with a 401")
	}
	return providers.NotActed, nil
}

func (s *session) getProbe(ctx context.Context, accessToken secret.String) (exchange.Reply, error) {
	return s.Client.Get(ctx, exchange.Request{
		Provider: name, Op: "probe", URL: s.probe, Setting: "probe_url",
		Header: http.Header{"Authorization": {"Bearer " + accessToken.Reveal()}},
	})
}

// noEvidence is the end of a question whose answer is none.
func noEvidence(answer exchange.Reply, hint string) (providers.Evidence, error) {
	return providers.NoEvidence, answer.Fail(providers.TurnedAway, hint)
}
