package refreshtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
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

	world     *World
	families  []*family
	calls     map[Op]int
	replays   int
	presented map[string]int
	risked    map[string]bool
	first     map[string]time.Time // when a token was first presented
	latest    map[string]time.Time // and when last
	hasty     []string
	last      map[string]string // the token that was presented last, by its family
	resorted  map[string]bool   // tokens presented as a last resort
	repeated  []string
	retries   bool            // a person has said so
	believed  map[string]bool // acted on, although the answer let everybody assume otherwise
	broken    int
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
		Lifetime: 15 * time.Minute, Password: "right", world: w, calls: map[Op]int{},
		presented: map[string]int{}, risked: map[string]bool{}, believed: map[string]bool{},
		first: map[string]time.Time{}, latest: map[string]time.Time{}, resorted: map[string]bool{}, last: map[string]string{},
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
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	return p.newFamily().refreshToken()
}

// Replays is how often a refresh token was presented again after the provider had
// acted on it.
func (p *Provider) Replays() int {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	return p.replays
}

// Calls is how many calls of op arrived.
func (p *Provider) Calls(op Op) int {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	return p.calls[op]
}

// Presented is how often a refresh token arrived.
func (p *Provider) Presented(token string) int {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	return p.presented[token]
}

// Repeated lists the refresh tokens that were presented again after the provider may have acted on
// them: nobody else knows whether it had, so each is one too many.
func (p *Provider) Repeated() []string {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	return slices.Clone(p.repeated)
}

// underWay is how long a request may be running behind its answer: its timeout and 30 s.
const underWay = 40 * time.Second

// Hasty lists the refresh tokens that were presented again while a request with them may have
// been running.
func (p *Provider) Hasty() []string {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	return slices.Clone(p.hasty)
}

// Retry lets a person present the uncertain token once more.
func (p *Provider) Retry() {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	p.retries = true
}

// MayRetry reports whether a person has said so.
func (p *Provider) MayRetry() bool {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	return p.retries
}

// Retries is how many tokens were presented once more with nothing left to lose.
func (p *Provider) Retries() int {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	return len(p.resorted)
}

// Times are when a refresh token was presented first and last; zero: never.
func (p *Provider) Times(token string) (first, last time.Time) {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	return p.first[token], p.latest[token]
}

// Broken is how often a refresh token was presented again because an answer had broken the
// assumption that a complete 4xx or 3xx was not acted on. These are not replays.
func (p *Provider) Broken() int {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	return p.broken
}

// Risked reports whether a refresh token was presented and may have been acted on.
func (p *Provider) Risked(token string) bool {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	return p.risked[token]
}

// risk notes that a refresh token is presented and may be acted on.
func (p *Provider) risk(token string) {
	if p.risked[token] && !p.KeepsTokens && !p.OmitsTokens && !p.allows(token) {
		p.repeated = append(p.repeated, token)
	}
	now := p.world.clock()
	if _, before := p.first[token]; !before {
		p.first[token] = now
	} else if now.Sub(p.latest[token]) < underWay {
		p.hasty = append(p.hasty, token)
	}
	p.latest[token] = now
	p.risked[token], p.last[familyOf(token)] = true, token
}

// familyOf is the common part of the tokens of one family.
func familyOf(token string) string { return token[:strings.LastIndex(token, "-")+1] }

// allows reports whether a token that was presented may be presented again: its provider says so.
func (p *Provider) allows(token string) bool {
	switch {
	case token != p.last[familyOf(token)]:
		return false
	case p.Reuse == providers.Always, p.Asks && p.live(token):
		return true
	case (p.LastResort || p.retries) && !p.resorted[token]:
		p.resorted[token] = true
		return true
	}
	return p.world.clock().Sub(p.first[token]) < p.Reuse
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
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
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
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
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
	if _, err := fmt.Sscanf(token, "rt-%d-%d", &number, &generation); err == nil && number <= len(p.families) {
		switch f := p.families[number-1]; {
		case f.refreshToken() != token && p.takesAgain(f, token, generation):
			if p.Reuse == providers.Always {
				f.generation++
				f.issued = p.world.clock()
			}
			return f, nil
		case f.refreshToken() != token && p.resorted[token]:
			f.dead = true
		case f.refreshToken() != token && p.believed[token]:
			p.broken++
			f.dead = true
		case f.refreshToken() != token:
			p.replays++
			f.dead = true
		case !f.dead:
			f.issued = p.world.clock()
			if !p.KeepsTokens && !p.OmitsTokens {
				f.generation++
			}
			return f, nil
		}
	}
	return nil, fail(providers.Refused, Refresh)
}

// takesAgain reports whether a token that was acted on is accepted again.
func (p *Provider) takesAgain(f *family, token string, generation int) bool {
	if p.Reuse == providers.Always {
		return !f.dead
	}
	return !f.dead && generation == f.generation-1 && p.world.clock().Sub(p.first[token]) < p.Reuse
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

// answer is the provider's answer for a fault.
func answer(op Op, fault Fault) (acts bool, err error) {
	switch fault {
	case AnswerUnknown:
		return false, fail(providers.Unknown, op)
	case AnswerRefused:
		return false, fail(providers.Refused, op)
	case AnswerRateLimited:
		return false, fail(providers.RateLimited, op)
	case AnswerTurnedAway, BrokenTurnedAway:
		return fault == BrokenTurnedAway, fail(providers.TurnedAway, op)
	case AnswerMaybeRefused:
		return false, fail(providers.MaybeRefused, op)
	case None, FailBefore, FailAfter, DieBefore, DieAfter, LandLater, Stale, OddReply:
	}
	return true, nil
}

// reply is the wire format of the model.
type reply struct {
	Holds                       string // a name in every reply of the known providers
	Access, Refresh, SealedWith string
	Odd                         bool
	Lives                       time.Duration
}

// providerPort is a process's way to the Provider.
type providerPort struct{ p *process }

func (providerPort) Name() string { return Name }

func (o providerPort) Open(credentials secret.String) (providers.Session, error) {
	text := strings.TrimSpace(credentials.Reveal())
	var fields map[string]json.RawMessage
	if text != "" && json.Unmarshal([]byte(text), &fields) != nil {
		return nil, fail(providers.Misconfigured, "open")
	}
	if _, placeholder := fields["placeholder"]; placeholder || len(fields) == 0 {
		return nil, providers.ErrNotSeeded
	}
	var s session
	if json.Unmarshal([]byte(text), &s) != nil {
		return nil, fail(providers.Misconfigured, "open")
	}
	s.p = o.p
	if p := o.p.world.Provider; p.Reuse != 0 || p.Asks || p.LastResort {
		return forgiving{s}, nil
	}
	return s, nil
}

// session is bound to one set of credentials.
type session struct {
	p        *process
	Password string `json:"password"`
	Key      string `json:"key"`
}

func (s session) CanLogin() bool { return s.Password != "" }

// forgiving is a session with a provider that does not take each token once, and that is it.
type forgiving struct{ session }

func (s forgiving) Again() providers.Again {
	p := s.p.world.Provider
	return providers.Again{Reuse: p.Reuse, Asks: p.Asks, LastResort: p.LastResort}
}

// Ask answers truthfully, if it answers.
func (s forgiving) Ask(ctx context.Context, refreshToken, _ secret.String) (providers.Evidence, error) {
	is := providers.NoEvidence
	err := s.p.call(ctx, Site{Op: Ask}, store.Key{}, func(Fault) error {
		s.p.world.mu.Lock()
		defer s.p.world.mu.Unlock()
		s.p.world.Provider.calls[Ask]++
		is = providers.Acted
		if s.p.world.Provider.live(refreshToken.Reveal()) {
			is = providers.NotActed
		}
		return nil
	})
	if err != nil {
		return providers.NoEvidence, err
	}
	return is, nil
}

func (s session) Refresh(ctx context.Context, token secret.String) (providers.Tokens, error) {
	return s.send(ctx, Refresh, token.Reveal(), func(p *Provider) (*family, error) {
		p.presented[token.Reveal()]++
		return p.rotate(token.Reveal())
	})
}

func (s session) Login(ctx context.Context) (providers.Tokens, error) {
	return s.send(ctx, Login, "", func(p *Provider) (*family, error) {
		if s.Password != p.Password {
			return nil, fail(providers.Refused, Login)
		}
		return p.newFamily(), nil
	})
}

// send makes one call to the provider, with a refresh token or none, and reads its reply.
func (s session) send(
	ctx context.Context, op Op, token string, act func(*Provider) (*family, error),
) (providers.Tokens, error) {
	p := s.p.world.Provider
	if p.OnCall != nil {
		p.OnCall(op)
	}
	var raw secret.String
	sent := s.p.now()
	s.p.checkClaim()
	err := s.p.call(ctx, Site{Op: op}, store.Key{}, func(fault Fault) error {
		acts, instead := answer(op, fault)
		if p.Answer != nil && instead == nil {
			acts, instead = p.Answer(op)
		}
		s.p.world.mu.Lock()
		defer s.p.world.mu.Unlock()
		p.calls[op]++
		switch kind := providers.KindOf(instead); {
		case token == "":
		case instead == nil || !kind.Alive():
			p.risk(token)
		case kind == providers.MaybeRefused:
			p.presented[token]++ // so it is no longer an untried seed
		case acts:
			p.believed[token] = true
			if _, before := p.first[token]; !before {
				p.first[token] = p.world.clock()
			}
		}
		if instead != nil && !acts {
			return instead
		}
		f, err := act(p)
		if err != nil || instead != nil {
			return errors.Join(instead, err)
		}
		r := reply{
			Holds: "tokens", Access: f.accessToken(), Refresh: f.refreshToken(), SealedWith: p.Key,
			Odd: p.Odd || fault == OddReply, Lives: f.ends(p).Sub(p.world.clock()),
		}
		if p.OmitsTokens {
			r.Refresh = ""
		}
		text, err := json.Marshal(r)
		if fault != LandLater { // then nobody waits for the answer
			raw = secret.New(string(text))
		}
		return err
	})
	if err != nil {
		return providers.Tokens{}, err
	}
	tokens, err := s.Decode(raw, sent)
	if err == nil {
		s.p.received(tokens.RefreshToken)
	}
	if failed, ok := errors.AsType[*providers.Error](err); ok {
		failed.Op, failed.Raw, failed.Sent = strings.ToLower(string(op)), raw, sent
		if failed.Partial != nil && op == Login {
			tokens, err = *failed.Partial, nil
			tokens.Raw = raw
		}
	}
	return tokens, err
}

func (s session) Decode(raw secret.String, sent time.Time) (providers.Tokens, error) {
	var r reply
	if json.Unmarshal([]byte(raw.Reveal()), &r) != nil || r.SealedWith != s.Key {
		return providers.Tokens{}, fail(providers.Unknown, "decode")
	}
	p := s.p.world.Provider
	t := providers.Tokens{
		AccessToken: secret.New(r.Access), RefreshToken: secret.New(r.Refresh), TokenType: "Bearer",
		IssuedAt: sent, AccessExpiresAt: sent.Add(r.Lives),
	}
	if p.RefreshLifetime > 0 {
		t.RefreshExpiresAt = sent.Add(p.RefreshLifetime)
	}
	if r.Odd && !p.ReadsOdd {
		t.RefreshToken = secret.String{}
		return providers.Tokens{}, &providers.Error{Kind: providers.Unknown, Provider: Name, Op: "decode", Partial: &t}
	}
	return t, nil
}
