package fuzz

import (
	"context"
	"errors"
	"testing"

	"tokenrefresh/internal/plant"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/secret"
)

// Open fuzzes how a client opens credentials secrets. Accepted credentials must make requests that
// net/http accepts: after the claim it would be too late to find out.
func Open(f *testing.F, provider providers.Provider, secrets ...string) {
	f.Helper()
	for _, text := range append(secrets, ``, ` `, `null`, `[]`, `{}`, `{"placeholder":"x"}`, "{\"a\":\"\xff\"}", `{"base_url":`) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, text := range []string{text, plant.Values(text)} {
			session, err := provider.Open(secret.New(text))
			switch {
			case err == nil:
				checkSession(t, session)
			case errors.Is(err, providers.ErrNotSeeded):
			default:
				_, again := provider.Open(secret.New(text))
				checkMistakes(t, provider.Name(), err, again)
			}
		}
	})
}

func checkSession(t *testing.T, session providers.Session) {
	t.Helper()
	ended, end := context.WithCancel(t.Context())
	end()
	check := func(err error) {
		var e *providers.Error
		if !errors.As(err, &e) || e.Kind != providers.NotSent || !errors.Is(err, context.Canceled) {
			t.Errorf("a call of a run that has ended: %v", err)
		}
		if plant.Shown(err) {
			t.Errorf("the error shows credentials: %v", err)
		}
	}
	_, err := session.Refresh(ended, secret.New(plant.Marker))
	check(err)
	if _, err := session.Login(ended); session.CanLogin() {
		check(err)
	} else if !errors.Is(err, providers.ErrNoLogin) {
		t.Errorf("a login without credentials for it: %v", err)
	}
	if plant.Shown(session) {
		t.Error("the session shows credentials")
	}
}

func checkMistakes(t *testing.T, provider string, err, again error) {
	t.Helper()
	var e *providers.Error
	if !errors.As(err, &e) || e.Kind != providers.Misconfigured || e.Provider != provider || e.Op != "open" || !e.Raw.IsZero() {
		t.Errorf("%T: %v", err, err)
	}
	if plant.Shown(err) {
		t.Errorf("the error shows credentials: %v", err)
	}
	if again == nil || again.Error() != err.Error() {
		t.Errorf("once %v, then %v", err, again)
	}
}
