// Package sandbox runs the providers as servers on this machine:
// their documented requests, replies and errors, single-use refresh tokens that
// notice when one is presented twice, and faults to switch on. Tests, benchmarks, the
// demonstration and `tokenctl sandbox` use it.
//
// It follows the providers' documentation and, where that is silent, the software
// that seems to be behind them (league/oauth2-server for Hesabe, Keycloak for
// TConnect). Nobody has compared it with the live services. Its OAuth 2 server does what
// RFC 6749 and RFC 7662 ask for.
package sandbox

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"tokenrefresh/internal/authority"
	"tokenrefresh/pkg/aes"
)

// Provider names one that the sandbox plays.
type Provider string

// The providers.
const (
	Hesabe   Provider = "hesabe"
	TConnect Provider = "tconnect"
	Berbix   Provider = "berbix"
	OAuth2   Provider = "oauth2"
)

var played = []Provider{Hesabe, TConnect, Berbix, OAuth2}

// Plays reports whether the sandbox plays the provider of that name.
func Plays(name string) bool { return slices.Contains(played, Provider(name)) }

// names are those of all that it plays.
func names() []string {
	var all []string
	for _, p := range played {
		all = append(all, string(p))
	}
	return all
}

// Op is what a call wants.
type Op string

// The operations. Any stands for both where faults are injected.
const (
	Refresh Op = "refresh"
	Login   Op = "login"
	Any     Op = "any"
)

// Lifetime is how long a provider's tokens live. A zero Access takes the provider's
// default; a zero Refresh as well, which for Berbix is without end.
type Lifetime struct{ Access, Refresh time.Duration }

// Options of a sandbox; the zero value is good.
type Options struct {
	// Authority vouches for the servers, which then speak https; nil: http.
	Authority *authority.Authority
	// Listen is the address to listen on, 127.0.0.1 by default.
	Listen string
	// Host is the name or address in the providers' URLs, Listen by default. The certificate is
	// valid for it, for localhost and for ContainersHost.
	Host string
	// Now is the providers' clock, time.Now by default. The delays of faults and
	// the life of connections don't follow it.
	Now func() time.Time
	// Lifetimes replaces the defaults: Hesabe 900 s and a year, TConnect 36,000 s
	// and a day, Berbix an hour and no end, OAuth 2 half an hour and 60 days.
	Lifetimes map[Provider]Lifetime
	// TConnectIV is the IV mode of TConnect's payloads in both directions;
	// aes.Prefix by default.
	TConnectIV aes.Mode
	// OAuth2Reuses: the OAuth 2 server takes a refresh token again and again.
	OAuth2Reuses bool
}

// lifetime is the one given for p, completed from the defaults.
func (o Options) lifetime(p Provider, access, refresh time.Duration) Lifetime {
	life := o.Lifetimes[p]
	return Lifetime{Access: cmp.Or(life.Access, access), Refresh: cmp.Or(life.Refresh, refresh)}
}

// Tokens is a pair that a provider has handed out.
type Tokens struct{ AccessToken, RefreshToken string }

// Transaction is a verification at Berbix. Its tokens are made by refreshes only.
type Transaction struct {
	ID           int64 // more than 32 bits
	RefreshToken string
}

// Sandbox is the running providers. Its methods are safe for concurrent use
// and panic when given an unknown provider.
type Sandbox struct {
	hosts  map[Provider]*host
	berbix *berbix
	hook   atomic.Pointer[func(context.Context, Call)]
}

// Start serves the providers, each on a port of its own. Close it after use.
func Start(o Options) (*Sandbox, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	tc, err := newTConnect(o)
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	s := &Sandbox{hosts: map[Provider]*host{}, berbix: newBerbix(o)}
	at := place{listen: cmp.Or(o.Listen, "127.0.0.1")}
	at.host = cmp.Or(o.Host, at.listen)
	if o.Authority != nil {
		certificate, err := o.Authority.Issue(at.host, ContainersHost)
		if err != nil {
			return nil, fmt.Errorf("sandbox: certificate: %w", err)
		}
		at.certificate = &certificate
	}
	for p, b := range map[Provider]backend{Hesabe: newHesabe(o), TConnect: tc, Berbix: s.berbix, OAuth2: newOAuth2(o)} {
		h, err := startHost(p, b, o.Now, s.acted, at)
		if err != nil {
			s.Close()
			return nil, fmt.Errorf("sandbox: %s: %w", p, err)
		}
		s.hosts[p] = h
	}
	return s, nil
}

// Close ends every call, delayed ones as well, and returns when none is left. It
// may be called again.
func (s *Sandbox) Close() {
	for _, h := range s.hosts {
		h.close()
	}
}

// URL is the provider's base URL.
func (s *Sandbox) URL(p Provider) string { return s.host(p).url }

// Handler is the provider itself, to be served elsewhere as well.
func (s *Sandbox) Handler(p Provider) http.Handler { return s.host(p) }

// Credentials is the JSON document of the provider's credentials secret, addresses
// included.
func (s *Sandbox) Credentials(p Provider) string {
	h := s.host(p)
	text, err := json.Marshal(h.backend.credentials(h.url))
	if err != nil {
		panic(err) // texts, lists and maps of them
	}
	return string(text)
}

// Issue hands out a pair as a login does, without a call. For Berbix it makes a
// transaction, which has no access token before its first refresh.
func (s *Sandbox) Issue(p Provider) Tokens {
	g := s.host(p).backend.issue()
	return Tokens{AccessToken: g.access, RefreshToken: g.refresh}
}

// AddTransaction makes a transaction at Berbix. It is quick: thousands are fine.
func (s *Sandbox) AddTransaction() Transaction {
	g := s.berbix.issue()
	return Transaction{ID: g.family.session, RefreshToken: g.refresh}
}

// Valid reports whether the provider would accept the access token now.
func (s *Sandbox) Valid(p Provider, accessToken string) bool {
	return s.host(p).backend.tokens().valid(accessToken)
}

// Revoke ends the session (for Berbix: the transaction) that the refresh token
// belongs to, with all its tokens. It reports whether there was one.
func (s *Sandbox) Revoke(p Provider, refreshToken string) bool {
	return s.host(p).backend.tokens().revoke(refreshToken)
}

// Secrets lists what must never turn up in a log: the static passwords and keys,
// and every token handed out so far.
func (s *Sandbox) Secrets() []string {
	var all []string
	for _, h := range s.hosts {
		all = append(all, h.backend.secrets()...)
		all = append(all, h.backend.tokens().all()...)
	}
	return all
}

// Inject switches faults on for the next calls of the provider's op: for times of
// them, or until Clear where times is 0. Of faults that say the same thing in two
// ways (an answer, a delay, one field, one shape) a call gets the one injected
// first, and the next stays for later calls; faults of different sorts add up.
func (s *Sandbox) Inject(p Provider, op Op, times int, faults ...Fault) {
	s.host(p).faults.add(op, times, faults)
}

// Clear switches all faults of the provider off. Calls that have begun keep theirs.
func (s *Sandbox) Clear(p Provider) { s.host(p).faults.clear() }

// OnActed sets what runs in every call after the provider has acted and before it
// replies; nil for nothing. ctx ends with the call's client and with Close, which
// waits for f.
func (s *Sandbox) OnActed(f func(ctx context.Context, c Call)) { s.hook.Store(&f) }

// Stats is what the provider has seen so far.
func (s *Sandbox) Stats(p Provider) Stats {
	h := s.host(p)
	stats := h.stats.snapshot()
	stats.Replays = h.backend.tokens().replayCount()
	return stats
}

// Presentations is how often each refresh token has come so far, whatever became of
// the calls.
func (s *Sandbox) Presentations(p Provider) map[string]int { return s.host(p).stats.presentations() }

// ContainersHost is what containers call the machine that they run on.
const ContainersHost = "host.docker.internal"

func (s *Sandbox) acted(ctx context.Context, c Call) {
	if f := s.hook.Load(); f != nil && *f != nil {
		(*f)(ctx, c)
	}
}

func (s *Sandbox) host(p Provider) *host {
	h, ok := s.hosts[p]
	if !ok {
		panic(fmt.Sprintf("sandbox: unknown provider %q", string(p)))
	}
	return h
}

// random returns n random bytes as 2n lower-case hex digits.
func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // which never fails
	return hex.EncodeToString(b)
}
