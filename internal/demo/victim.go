package demo

import (
	"context"
	"fmt"
	"os"
	"time"

	"tokenrefresh/pkg/homes/embedded"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/providers/hesabe"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// Moment is when a victim dies.
type Moment string

// The moments.
const (
	BeforeStore   Moment = "before-store"   // it has the reply, no store has
	BeforePromote Moment = "before-promote" // the reply is stored, and not current
)

// Victim runs one forced refresh of Hesabe against the state file and kills its
// own process, as SIGKILL does, at the moment given. It returns only if that
// moment never came.
func Victim(ctx context.Context, path string, ahead time.Duration, moment Moment) error {
	home, err := embedded.Open(ctx, path)
	if err != nil {
		return err
	}
	var c clock
	c.set(ahead)
	provider := hesabe.New(exchange.New(exchange.Options{Now: c.now}), "sandbox")
	handler := newRefresh(provider, home, c.now)
	switch moment {
	case BeforeStore:
		handler.Engine.Provider = dyingProvider{provider}
	case BeforePromote:
		handler.Engine.Secrets = dyingSecrets{home.Secrets()}
	default:
		return fmt.Errorf("no such moment: %q", moment)
	}
	_, err = handler.Invoke(ctx, []byte(`{"force":true}`))
	return fmt.Errorf("the victim has survived: %w", err)
}

// die ends the process without any clean-up.
func die() {
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	panic(fmt.Sprintf("still alive: %v", err))
}

// dyingProvider kills the process the moment a refresh has brought its reply.
type dyingProvider struct{ providers.Provider }

func (p dyingProvider) Open(credentials secret.String) (providers.Session, error) {
	s, err := p.Provider.Open(credentials)
	return dyingSession{s}, err
}

type dyingSession struct{ providers.Session }

func (s dyingSession) Refresh(ctx context.Context, token secret.String) (providers.Tokens, error) {
	tokens, err := s.Session.Refresh(ctx, token)
	if err == nil {
		die()
	}
	return tokens, err
}

// dyingSecrets kills the process the moment a stored reply is to become current.
type dyingSecrets struct{ store.Secrets }

func (dyingSecrets) Promote(context.Context, store.Key, store.Document, string, string) error {
	die()
	return nil
}
