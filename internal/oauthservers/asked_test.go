package oauthservers_test

import (
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/oauthservers"
)

// Where the server says what it made of a refresh, a person is needed only where it has acted and
// the answer was lost.
func TestStrictAsked(t *testing.T) {
	t.Parallel()
	server := strict(t)
	l := live(t, server, server.Client(oauthservers.Basic), map[string]any{
		"refresh_token_reuse": "never", "introspection_url": server.Introspection(),
	})
	l.person()
	lost := l.livesThrough(*rounds)
	assert.Check(t, l.people-1 == lost.acted,
		"%d people for %d losses; the server has acted on %d of them", l.people-1, lost.all, lost.acted)
	l.sound()
	t.Logf("%+v, people %d, lost %+v", server.Seen(), l.people-1, lost)
}

// Where the server takes the last token again, nobody is needed.
func TestLenient(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		start func(*testing.T) *oauthservers.Server
		reuse any
	}{
		"with grace": {lenient, grace.Seconds()},
		"without rotation": {func(t *testing.T) *oauthservers.Server {
			t.Helper()
			return oauthservers.Toolkit(t, map[string]any{"ROTATE_REFRESH_TOKEN": false})
		}, "always"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := tt.start(t)
			l := live(t, server, server.Client(oauthservers.Basic), map[string]any{"refresh_token_reuse": tt.reuse})
			l.person()
			lost := l.livesThrough(*rounds / 6)
			seen := server.Seen()
			l.sound()
			assert.Check(t, l.people == 1 && lost.acted != 0, "people %d, lost %+v, %+v", l.people-1, lost, seen)
			t.Logf("%+v, people %d, lost %+v", seen, l.people-1, lost)
		})
	}
}

// After a kill too, nobody is needed for what the server has not acted on, or takes again.
func TestKilledAndAsked(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]killing{
		"strict, asked": {
			start: strict, people: func(moment int) bool { return moment != unseen },
			fields: func(s *oauthservers.Server) map[string]any {
				return map[string]any{"introspection_url": s.Introspection()}
			},
		},
		"with grace": {
			start: lenient, people: func(int) bool { return false },
			fields: func(*oauthservers.Server) map[string]any {
				return map[string]any{"refresh_token_reuse": grace.Seconds()}
			},
		},
		"with a probe": {
			start: lenient, people: func(moment int) bool { return moment != unseen },
			fields: func(s *oauthservers.Server) map[string]any { return map[string]any{"probe_url": s.Probe()} },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.test(t)
		})
	}
}
