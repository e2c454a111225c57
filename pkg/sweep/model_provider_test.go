package sweep_test

import (
	"context"
	"time"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

func (m model) Current(ctx context.Context, key store.Key, doc store.Document) (v store.Version, err error) {
	err = m.call(ctx, opSecret, key.String()+"/"+string(doc), func() error {
		var found bool
		if v, found = m.secrets[key.Account]; !found {
			return store.ErrNoSecret
		}
		return nil
	})
	return v, err
}

func (model) Name() string { return provider }

// Open takes "good" and "bad" for credentials and finds out nothing more: whether
// they are right only a call shows.
func (m model) Open(credentials secret.String) (providers.Session, error) {
	switch credentials.Reveal() {
	case "good", "bad":
		return session{m.world, credentials.Reveal()}, nil
	case "placeholder":
		return nil, providers.ErrNotSeeded
	}
	return nil, fail(providers.Misconfigured)
}

type session struct {
	*world
	credentials string
}

func (session) CanLogin() bool { return false }

func (session) Login(context.Context) (providers.Tokens, error) {
	return providers.Tokens{}, providers.ErrNoLogin
}

func (session) Decode(secret.String, time.Time) (providers.Tokens, error) {
	return providers.Tokens{}, fail(providers.Unknown)
}

func (s session) Refresh(ctx context.Context, token secret.String) (providers.Tokens, error) {
	s.mu.Lock()
	s.sent = append(s.sent, token.Reveal())
	s.inFlight++
	s.most = max(s.most, s.inFlight)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.inFlight--
	}()
	err := s.call(ctx, opSend, token.Reveal(), func() error { return nil })
	switch {
	case err != nil:
		return providers.Tokens{}, fail(providers.Unknown)
	case s.credentials == "bad":
		return providers.Tokens{}, fail(providers.Misconfigured)
	case s.Reply == nil:
		return fresh(), nil
	}
	return s.Reply(token.Reveal())
}
