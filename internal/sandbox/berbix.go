package sandbox

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	berbixAccess = time.Hour
	// firstTransaction and those after it don't fit into 32 bits.
	firstTransaction = 1_234_567_890_123
)

// berbix plays the transaction tokens; refresh tokens don't rotate.
type berbix struct {
	chains *chains
	life   Lifetime
	secret string
}

func newBerbix(o Options) *berbix {
	return &berbix{
		chains: newChains(o.Now, reuseUsual, firstTransaction),
		life:   o.lifetime(Berbix, berbixAccess, 0),
		secret: "secret_test_" + random(16),
	}
}

func (b *berbix) ops() map[string]Op { return map[string]Op{"/v0/tokens": Refresh} }

func (b *berbix) read(c *call) (input, reply) {
	user, password, ok := c.req.BasicAuth()
	if !ok || user != b.secret || password != "" {
		return input{}, b.refuse(http.StatusUnauthorized, "unauthorized", "The API secret is not valid.")
	}
	fields, ok := stringFields(c.body)
	if !ok {
		return input{}, b.refuse(http.StatusBadRequest, "invalid_json", "The body must be a JSON object.")
	}
	if fields["grant_type"] != "refresh_token" {
		return input{}, b.refuse(http.StatusBadRequest, "invalid_grant_type", "grant_type must be refresh_token.")
	}
	return input{refresh: fields["refresh_token"], fields: fields}, reply{}
}

func (b *berbix) act(c *call, in input) reply {
	g, v := b.chains.exchange(in.refresh, func(now time.Time, _ int64) grant {
		g := grant{access: random(32), client: random(32), accessUntil: now.Add(b.life.Access)}
		if c.set.rotate {
			g.refresh, g.refreshUntil = random(32), b.end(now)
		}
		return g
	})
	switch v {
	case good:
		return b.success(c.set, g)
	case endedSession:
		return b.refuse(http.StatusGone, "gone", "The transaction was deleted.")
	case unknownToken, expiredToken, spentToken:
	}
	return b.refuse(http.StatusBadRequest, "invalid_refresh_token", "The refresh token is not valid.")
}

func (b *berbix) success(s settings, g grant) reply {
	var refresh string
	if g.refresh != "" {
		refresh = quote(g.refresh)
	}
	return success(s.object(
		"entity", `"token"`,
		"transaction_id", strconv.FormatInt(g.family.session, 10),
		"access_token", quote(g.access),
		"client_token", quote(g.client),
		"refresh_token", refresh,
		"expires_in", seconds(b.life.Access),
		"token_type", `"Bearer"`,
	))
}

// end is when a refresh token made now expires.
func (b *berbix) end(now time.Time) time.Time {
	if b.life.Refresh == 0 {
		return time.Time{}
	}
	return now.Add(b.life.Refresh)
}

func (b *berbix) refuse(status int, reason, message string) reply {
	return jsonReply(status, fmt.Appendf(nil, `{"status":%d,"reason":%s,"message":%s}`, status, quote(reason), quote(message)))
}

func (b *berbix) problem(_ settings, status int) reply {
	text := http.StatusText(status)
	return b.refuse(status, strings.ReplaceAll(strings.ToLower(text), " ", "_"), text)
}

func (b *berbix) credentials(base string) map[string]any {
	return map[string]any{"api_secret": b.secret, "base_url": base}
}
func (b *berbix) secrets() []string { return []string{b.secret} }
func (b *berbix) tokens() *chains   { return b.chains }

// issue makes a transaction. Its access token comes with the first refresh.
func (b *berbix) issue() grant {
	return b.chains.open(func(now time.Time, _ int64) grant {
		return grant{refresh: random(32), refreshUntil: b.end(now)}
	})
}
