package reply

import (
	"fmt"
	"strings"
	"time"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/secret"
)

// maxLifetime caps what an access token is believed to live: a wrong number must
// not keep it from being refreshed for years.
const maxLifetime = 30 * 24 * time.Hour

// jwtSlack is how much a JWT may live shorter than expires_in says, before it is odd:
// Hesabe's does by the time that it takes to make.
const jwtSlack = 5 * time.Second

// Rules are what is known of a provider's replies beforehand.
type Rules struct {
	// Lifetime of an access token whose reply names none; 0: it counts as expired.
	Lifetime time.Duration
	// Rotates: every reply should carry a new refresh token.
	Rotates bool
}

// Tokens reads the fields that all providers share. It is false where there is no
// access token. Whatever else is odd becomes a warning. sent is when the request
// was sent.
func (o Object) Tokens(sent time.Time, rules Rules) (providers.Tokens, bool) {
	t := providers.Tokens{
		AccessToken:  secret.New(o.Text("access_token")),
		RefreshToken: secret.New(o.Text("refresh_token")),
		TokenType:    o.Text("token_type"),
		IssuedAt:     sent,
	}
	if t.AccessToken.IsZero() {
		return providers.Tokens{}, false
	}
	warn := func(format string, args ...any) { t.Warnings = append(t.Warnings, fmt.Sprintf(format, args...)) }

	if rules.Rotates && t.RefreshToken.IsZero() {
		warn("the reply has no refresh_token, although a new one was expected")
	}
	if t.TokenType == "" {
		t.TokenType = "Bearer"
	} else if !strings.EqualFold(t.TokenType, "Bearer") {
		warn("token_type is not Bearer")
	}

	lifetime, is := o.Seconds("expires_in")
	switch {
	case is == Broken, is == Missing && rules.Lifetime == 0:
		warn("expires_in is missing or no number of seconds: the access token counts as expired")
	case is == Missing:
		lifetime = rules.Lifetime
		warn("expires_in is missing: %s is assumed", lifetime)
	case lifetime > maxLifetime:
		lifetime = maxLifetime
		warn("expires_in is beyond 30 days: 30 days are assumed")
	}
	if jwt := jwtLifetime(t.AccessToken.Reveal()); jwt > 0 && jwt < lifetime {
		if is != Missing && lifetime-jwt > jwtSlack {
			warn("expires_in is %s longer than the access token says of itself: the shorter counts", (lifetime - jwt).Round(time.Second))
		}
		lifetime = jwt
	}
	t.AccessExpiresAt = sent.Add(lifetime)
	return t, true
}
