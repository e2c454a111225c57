// Package ask learns what became of a refresh without presenting its token again: by
// introspection (RFC 7662), or by a harmless call with the old access token, where a
// refresh ends that one.
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

// Introspect asks the provider itself whether refreshToken is active. r carries the address
// and what authenticates the client.
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

// Probe makes a call with accessToken: a 2xx says that it lives, so that no refresh has ended
// it, a 401 that one has. An address that lets everybody in says nothing.
//
// Not guaranteed: that a refresh ends the access token. Whoever names the address says so.
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
		return none(stranger, "the probe is no question: a token that does not exist is not refused with a 401")
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
