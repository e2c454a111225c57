package refreshtest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/secret"
)

// Name is the model provider's name.
const Name = "model"

// Provider models a provider of single-use refresh tokens. A refresh revokes the access token
// before it; a refresh token that comes twice is a replay, which is counted and ends its whole
// family; a login begins a new family.
type Provider struct {
	// Lifetime is that of access tokens; RefreshLifetime that of refresh tokens, 0: not in replies.
	Lifetime, RefreshLifetime time.Duration
	// Session is how long a family lives after its login; its access tokens end with it. 0: for
	// ever.
	Session time.Duration
	// Key seals the replies: a session with another key can't read them, but the
	// provider has acted. Empty: replies are in clear.
	Key string
	// Password is the right one.
	Password string
	// KeepsTokens: a refresh returns the same refresh token. OmitsTokens: no reply has one, and the
	// presented one stays good.
	KeepsTokens, OmitsTokens bool
	// Reuse is how long a presented token is accepted again, with the same pair as answer if its
	// successor was not presented; providers.Always: each token is accepted for ever.
	Reuse time.Duration
	// Asks: the provider can be asked whether it acted on a presented token. LastResort: an
	// uncertain token is presented once more when nothing is left to lose.
	Asks, LastResort bool
	// Odd: replies have a refresh token that cannot be read. ReadsOdd: they can, by a later
	// release.
	Odd, ReadsOdd bool
	// Answer, if set, is called before each call: its error is the call's, and the provider still
	// acts if acts is true. With a complete 4xx or 3xx that breaks the assumption of the promise:
	// see Broken.
	Answer func(op Op) (acts bool, err error)
	// OnCall, if set, is called before each call.
	OnCall func(op Op)

	world    *World
	families []*family
	calls    map[Op]int
	tokens   map[string]*Token
	last     map[string]string // the token that was presented last, by its family
	seen     Seen
}

// Token is what became of a refresh token.
type Token struct {
	Presented   int       // how often it arrived
	First, Last time.Time // when it was presented and might be acted on; zero: never
	Risked      bool      // it was presented, and may have been acted on

	believed bool // acted on, although the answer let everybody assume otherwise
	resorted bool // presented once more with nothing left to lose
}

// Seen is what a Provider has seen that breaks a promise, or that a promise excepts.
type Seen struct {
	Replays int // refresh tokens that were presented again after the provider had acted on them
	// Broken counts those that were presented again because an answer had broken the assumption
	// that a complete 4xx or 3xx was not acted on. These are no replays.
	Broken int
	// Repeated were presented again after the provider may have acted on them: nobody else knows
	// whether it had, so each is one too many.
	Repeated []string
	Hasty    []string // were presented again while a request with them may have been running
	Retries  int      // tokens that were presented once more with nothing left to lose
	MayRetry bool     // a person has allowed that: see Retry
}

type family struct {
	number, generation int
	began, issued      time.Time
	dead               bool
}

// ends is when the family's access token does.
func (f *family) ends(p *Provider) time.Time {
	end := f.issued.Add(p.Lifetime)
	if last := f.began.Add(p.Session); p.Session > 0 && last.Before(end) {
		return last
	}
	return end
}

func (f *family) refreshToken() string { return fmt.Sprintf("rt-%d-%d", f.number, f.generation) }
func (f *family) accessToken() string  { return fmt.Sprintf("at-%d-%d", f.number, f.generation) }

func newProvider(w *World) *Provider {
	return &Provider{
		Lifetime: 15 * time.Minute, Password: "right", world: w,
		calls: map[Op]int{}, tokens: map[string]*Token{}, last: map[string]string{},
	}
}

// Credentials are good ones, with a login.
func (p *Provider) Credentials() secret.String {
	return secret.New(fmt.Sprintf(`{"password":%q,"key":%q}`, p.Password, p.Key))
}

// CredentialsWithoutLogin are good ones, without a login.
func (p *Provider) CredentialsWithoutLogin() secret.String {
	return secret.New(fmt.Sprintf(`{"key":%q}`, p.Key))
}

// NewFamily logs in without the engine and returns the refresh token.
func (p *Provider) NewFamily() string {
	defer p.world.lock()()
	return p.newFamily().refreshToken()
}

// Calls is how many calls of op arrived.
func (p *Provider) Calls(op Op) int {
	defer p.world.lock()()
	return p.calls[op]
}

// Token returns what became of a refresh token so far.
func (p *Provider) Token(token string) Token {
	defer p.world.lock()()
	return *p.token(token)
}

func (p *Provider) token(token string) *Token {
	if p.tokens[token] == nil {
		p.tokens[token] = &Token{}
	}
	return p.tokens[token]
}

// Presented is how often a refresh token arrived.
func (p *Provider) Presented(token string) int { return p.Token(token).Presented }

// Seen returns what the provider has seen so far.
func (p *Provider) Seen() Seen {
	defer p.world.lock()()
	seen := p.seen
	seen.Repeated, seen.Hasty = slices.Clone(seen.Repeated), slices.Clone(seen.Hasty)
	return seen
}

// Retry lets a person present the uncertain token once more.
func (p *Provider) Retry() {
	defer p.world.lock()()
	p.seen.MayRetry = true
}

// underWay is how long a request may be running behind its answer: its timeout and 30 s.
const underWay = 40 * time.Second

// risk notes that a refresh token is presented and may be acted on.
func (p *Provider) risk(token string) {
	t, now := p.token(token), p.world.clock()
	if t.Risked && !p.KeepsTokens && !p.OmitsTokens && !p.allows(token) {
		p.seen.Repeated = append(p.seen.Repeated, token)
	}
	if t.First.IsZero() {
		t.First = now
	} else if now.Sub(t.Last) < underWay {
		p.seen.Hasty = append(p.seen.Hasty, token)
	}
	t.Last, t.Risked = now, true
	p.last[familyOf(token)] = token
}

// familyOf is the common part of the tokens of one family.
func familyOf(token string) string { return token[:strings.LastIndex(token, "-")+1] }

// allows reports whether a token that was presented may be presented again: its provider says so.
func (p *Provider) allows(token string) bool {
	t := p.token(token)
	switch {
	case token != p.last[familyOf(token)]:
		return false
	case p.Reuse == providers.Always, p.Asks && p.live(token):
		return true
	case (p.LastResort || p.seen.MayRetry) && !t.resorted:
		t.resorted = true
		p.seen.Retries++
		return true
	}
	return p.world.clock().Sub(t.First) < p.Reuse
}

// Accepts reports whether an access token works now, its expiry aside.
func (p *Provider) Accepts(accessToken string) bool {
	_, ok := p.ends(accessToken)
	return ok
}

// Remaining is how long an access token still works; zero: it does not.
func (p *Provider) Remaining(accessToken string) time.Duration {
	end, ok := p.ends(accessToken)
	if !ok {
		return 0
	}
	return max(0, end.Sub(p.world.Now()))
}

// ends is when an access token expires; false if it is not accepted at all.
func (p *Provider) ends(accessToken string) (time.Time, bool) {
	defer p.world.lock()()
	for _, f := range p.families {
		var older generation
		_, err := fmt.Sscanf(accessToken, "at-%d-%d", &older.family, &older.number)
		kept := p.Reuse == providers.Always && err == nil && older.family == f.number && older.number <= f.generation
		if f.accessToken() == accessToken || kept {
			return f.ends(p), !f.dead
		}
	}
	return time.Time{}, false
}

// Live reports whether a refresh token would be accepted now.
func (p *Provider) Live(refreshToken string) bool {
	defer p.world.lock()()
	return p.live(refreshToken)
}

func (p *Provider) live(refreshToken string) bool {
	for _, f := range p.families {
		if f.refreshToken() == refreshToken || p.Reuse == providers.Always && Succeeds(f.refreshToken(), refreshToken) {
			return !f.dead
		}
	}
	return false
}

func (p *Provider) newFamily() *family {
	f := &family{number: len(p.families) + 1, generation: 1, began: p.world.clock(), issued: p.world.clock()}
	p.families = append(p.families, f)
	return f
}

// rotate acts on a presented refresh token.
func (p *Provider) rotate(token string) (*family, error) {
	var number, generation int
	if _, err := fmt.Sscanf(token, "rt-%d-%d", &number, &generation); err != nil || number > len(p.families) {
		return nil, fail(providers.Refused, Refresh)
	}
	f, t := p.families[number-1], p.token(token)
	switch current := f.refreshToken() == token; {
	case f.dead && current:
	case current, p.Reuse == providers.Always && !f.dead:
		f.issued = p.world.clock()
		if !current || !p.KeepsTokens && !p.OmitsTokens {
			f.generation++
		}
		return f, nil
	case !f.dead && generation == f.generation-1 && p.world.clock().Sub(t.First) < p.Reuse:
		return f, nil // the same pair again
	default:
		f.dead = true
		switch {
		case t.resorted:
		case t.believed:
			p.seen.Broken++
		default:
			p.seen.Replays++
		}
	}
	return nil, fail(providers.Refused, Refresh)
}

func fail(kind providers.Kind, op Op) *providers.Error {
	return &providers.Error{Kind: kind, Provider: Name, Op: strings.ToLower(string(op))}
}

// Fail is an Answer that fails all calls of op with kind; acts: the provider still acts.
func Fail(op Op, kind providers.Kind, acts bool) func(Op) (bool, error) {
	return func(called Op) (bool, error) {
		if called != op {
			return true, nil
		}
		return acts, fail(kind, op)
	}
}
