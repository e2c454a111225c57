package refreshtest

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// answers are the provider's answers for faults.
var answers = map[Fault]providers.Kind{
	AnswerUnknown: providers.Unknown, AnswerRefused: providers.Refused, AnswerRateLimited: providers.RateLimited,
	AnswerTurnedAway: providers.TurnedAway, BrokenTurnedAway: providers.TurnedAway, AnswerMaybeRefused: providers.MaybeRefused,
}

// answer is the provider's answer for a fault.
func answer(op Op, fault Fault) (acts bool, err error) {
	if kind, instead := answers[fault]; instead {
		return fault == BrokenTurnedAway, fail(kind, op)
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
	return s, nil
}

// session is bound to one set of credentials.
type session struct {
	p        *process
	Password string `json:"password"`
	Key      string `json:"key"`
}

func (s session) CanLogin() bool { return s.Password != "" }

func (s session) Again() providers.Again {
	p := s.p.world.Provider
	return providers.Again{Reuse: p.Reuse, Asks: p.Asks, LastResort: p.LastResort}
}

// Ask answers truthfully, if it answers.
func (s session) Ask(ctx context.Context, refreshToken, _ secret.String) (providers.Evidence, error) {
	is := providers.NoEvidence
	err := s.p.call(ctx, Site{Op: Ask}, store.Key{}, func(Fault) error {
		defer s.p.world.lock()()
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
		p.token(token.Reveal()).Presented++
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
		defer s.p.world.lock()()
		p.calls[op]++
		switch kind := providers.KindOf(instead); {
		case token == "":
		case instead == nil || !kind.Alive():
			p.risk(token)
		case kind == providers.MaybeRefused:
			p.token(token).Presented++ // so it is no longer an untried seed
		case acts:
			t := p.token(token)
			t.believed = true
			if t.First.IsZero() {
				t.First = p.world.clock()
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
