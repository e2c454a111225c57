package sandbox

import (
	"sync"
	"time"
)

// reuse is what a provider makes of a refresh token that it has exchanged before.
type reuse int

const (
	reuseUsual   reuse = iota // refresh tokens don't rotate
	reuseRefused              // the old one and its access token died at the exchange
	reuseEnds                 // presenting the old one ends its whole family
)

// verdict is the answer to a refresh token.
type verdict int

const (
	good verdict = iota
	unknownToken
	expiredToken
	spentToken
	endedSession
)

// grant is one pair as handed out.
type grant struct {
	access, refresh, client   string
	accessUntil, refreshUntil time.Time // refreshUntil zero: without end

	family        *family
	used          bool // the refresh token was exchanged
	accessRevoked bool
}

// family is the grants that descend from one login or transaction.
type family struct {
	session int64
	ended   bool
}

// chains keeps one provider's grants and applies its rule on reuse. A refresh is
// atomic: of two that present the same token the second meets a used one.
type chains struct {
	now        func() time.Time
	reuse      reuse
	endsAccess bool // an exchange ends the old access token, as reuseRefused does

	mu        sync.Mutex
	sessions  int64 // the last one given out
	replays   int
	byRefresh map[string]*grant
	byAccess  map[string]*grant
}

func newChains(now func() time.Time, r reuse, firstSession int64) *chains {
	return &chains{
		now: now, reuse: r, sessions: firstSession - 1,
		byRefresh: map[string]*grant{}, byAccess: map[string]*grant{},
	}
}

// minting makes the texts and times of a grant.
type minting func(now time.Time, session int64) grant

// open begins a family.
func (c *chains) open(mint minting) grant {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sessions++
	return *c.keep(&family{session: c.sessions}, mint)
}

// exchange presents a refresh token and, where the verdict is good, hands out the
// next grant of its family. Where mint makes no refresh token the old one stays.
func (c *chains) exchange(token string, mint minting) (grant, verdict) {
	c.mu.Lock()
	defer c.mu.Unlock()
	old, ok := c.byRefresh[token]
	if ok && old.used && c.reuse != reuseUsual {
		c.replays++
	}
	switch {
	case !ok:
		return grant{}, unknownToken
	case old.family.ended:
		return grant{}, endedSession
	case old.used && c.reuse == reuseEnds:
		old.family.ended = true
		return grant{}, spentToken
	case old.used && c.reuse == reuseRefused:
		return grant{}, spentToken
	case !old.refreshUntil.IsZero() && !c.now().Before(old.refreshUntil):
		return grant{}, expiredToken
	}
	old.used = true
	old.accessRevoked = c.reuse == reuseRefused || c.endsAccess
	return *c.keep(old.family, mint), good
}

// keep mints a grant and files it. The caller holds mu.
func (c *chains) keep(f *family, mint minting) *grant {
	g := mint(c.now(), f.session)
	g.family = f
	if g.refresh != "" {
		c.byRefresh[g.refresh] = &g
	}
	if g.access != "" {
		c.byAccess[g.access] = &g
	}
	return &g
}

// replayCount is how often a token was presented that had been exchanged before,
// where that is not usual.
func (c *chains) replayCount() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.replays
}

func (c *chains) valid(access string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	g, ok := c.byAccess[access]
	return ok && !g.accessRevoked && !g.family.ended && c.now().Before(g.accessUntil)
}

// alive reports whether a refresh token was not exchanged yet and may be.
func (c *chains) alive(refresh string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	g, ok := c.byRefresh[refresh]
	return ok && !g.family.ended && !g.used && (g.refreshUntil.IsZero() || c.now().Before(g.refreshUntil))
}

func (c *chains) revoke(refresh string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	g, ok := c.byRefresh[refresh]
	if ok {
		g.family.ended = true
	}
	return ok
}

// all lists every token handed out.
func (c *chains) all() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []string
	for text := range c.byRefresh {
		all = append(all, text)
	}
	for text, g := range c.byAccess {
		all = append(all, text)
		if g.client != "" {
			all = append(all, g.client)
		}
	}
	return all
}
