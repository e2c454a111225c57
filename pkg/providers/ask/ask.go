// Package ask finds out what became of a refresh, without presenting its token again: by
// introspection (RFC 7662), or by a harmless call with the old access token, if a refresh ends that
// one.
package ask

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

// Introspect asks the provider itself whether refreshToken is active. r carries the address and the
// client's authentication.
func Introspect(
	ctx context.Context, client *exchange.Client, r exchange.Request, refreshToken secret.String,
) (providers.Evidence, error) {
	form := url.Values{"token": {refreshToken.Reveal()}, "token_type_hint": {"refresh_token"}}
	for name, values := range r.Form {
		form[name] = values
	}
	r.Op, r.Form = "introspect", form
	answer, err := client.Post(ctx, r)
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
	return none(answer, "the answer does not say whether the refresh token is active")
}

// Probe makes a call with accessToken. A 2xx means that no refresh has ended it, a 401 that one
// has. An address that accepts every token is no evidence.
//
// It relies on the credentials: they name an address only if a refresh ends the access token.
func Probe(
	ctx context.Context, client *exchange.Client, r exchange.Request, accessToken secret.String,
) (providers.Evidence, error) {
	r.Op = "probe"
	answer, err := get(ctx, client, r, accessToken)
	switch {
	case err != nil:
		return providers.NoEvidence, err
	case answer.Status == http.StatusUnauthorized:
		return providers.Acted, nil
	case !answer.Success():
		return none(answer, "the probe is answered by neither a 2xx nor a 401")
	}
	stranger, err := get(ctx, client, r, secret.New(rand.Text()))
	switch {
	case err != nil:
		return providers.NoEvidence, err
	case stranger.Status != http.StatusUnauthorized:
		return none(stranger, "the probe proves nothing: it does not refuse a token that does not exist with a 401")
	}
	return providers.NotActed, nil
}

// get makes a call with an access token.
func get(ctx context.Context, client *exchange.Client, r exchange.Request, accessToken secret.String) (exchange.Reply, error) {
	r.Header = http.Header{"Authorization": {"Bearer " + accessToken.Reveal()}}
	return client.Get(ctx, r)
}

// none is the error of an answer that is no evidence.
func none(answer exchange.Reply, hint string) (providers.Evidence, error) {
	return providers.NoEvidence, answer.Fail(providers.TurnedAway, hint)
}
