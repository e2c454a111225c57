package main

import (
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/sandbox"
	"tokenrefresh/pkg/store"
)

// scene is a home with the credentials of simulated providers.
type scene struct {
	*world
	*sandbox.Sandbox
}

// provision starts the providers and seeds their credentials.
func (w *world) provision(t *testing.T, providers ...sandbox.Provider) *scene {
	t.Helper()
	providersHere, err := sandbox.Start(sandbox.Options{})
	assert.NilError(t, err)
	t.Cleanup(providersHere.Close)
	s := &scene{w, providersHere}
	for _, p := range providers {
		s.run(t, s.Credentials(p), "seed", "credentials", "--provider", string(p)).want(t, exitDone)
	}
	return s
}

// run runs the command, and checks that its output shows none of the providers' secrets.
func (s *scene) run(t *testing.T, stdin string, args ...string) said {
	t.Helper()
	told := s.world.run(t, stdin, args...)
	s.quiet(t, told.out, told.err)
	return told
}

// quiet checks that texts show no secret.
func (s *scene) quiet(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		for _, secret := range s.Secrets() {
			assert.Assert(t, !strings.Contains(text, secret), "a secret is shown in:\n%s", text)
		}
	}
}

// published checks that a chain has a published access token, and that it is good.
func (s *scene) published(t *testing.T, p sandbox.Provider) {
	t.Helper()
	document := s.current(t, string(p), "default", store.AccessDoc)
	_, rest, _ := strings.Cut(document, `"access_token":"`)
	token, _, _ := strings.Cut(rest, `"`)
	assert.Check(t, s.Valid(p, token), "the published access token of %s is not valid", p)
	if n := s.Stats(p).Repeated; n > 0 {
		t.Errorf("%s saw %d refresh tokens twice", p, n)
	}
}
