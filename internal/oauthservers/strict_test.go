package oauthservers_test

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"tokenrefresh/internal/oauthservers"
	"tokenrefresh/pkg/outcome"
)

// faulty are the faults of which one comes now and then.
var faulty = []oauthservers.Fault{
	oauthservers.LoseReply, oauthservers.CutReply, oauthservers.FailAfter, oauthservers.LoseBefore, oauthservers.FailBefore,
}

// A strict server takes each refresh token once. Whatever is lost, none is presented twice, and
// a person is needed for nothing but what was lost.
func TestStrict(t *testing.T) {
	t.Parallel()
	for _, method := range []string{oauthservers.Basic, oauthservers.Post, oauthservers.Public} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			server := oauthservers.OIDCProvider(t)
			l := live(t, server, server.Client(method), nil)
			l.person()
			lost := l.livesThrough(*rounds / 3)
			if l.people-1 != lost.all {
				t.Errorf("%d people for %d losses", l.people-1, lost.all)
			}
			l.once()
			t.Logf("%+v, people %d, lost %+v", server.Seen(), l.people-1, lost)
		})
	}
}

// losses are the faults that came.
type losses struct{ all, acted int }

// livesThrough lets a chain live through refreshes with faults, by turns of chance that are the same
// in each run.
func (l *life) livesThrough(n int) (lost losses) {
	l.t.Helper()
	dice := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same in each run
	for range n {
		if dice.IntN(3) == 0 {
			fault := faulty[dice.IntN(len(faulty))]
			l.server.Play(fault)
			lost.all++
			if fault.Acts() {
				lost.acted++
			}
		}
		l.tick(true)
		if !l.settles() {
			l.person()
			l.pass(time.Minute)
			if r := l.tick(true); r.Outcome != outcome.Refreshed {
				l.t.Fatalf("after a person: %s, %v", r.Outcome, r.Err)
			}
		}
	}
	l.good()
	return lost
}

// A process may be killed before the server has the request, after it has acted, or while the
// answer is stored.
func TestStrictKilled(t *testing.T) {
	t.Parallel()
	server := oauthservers.OIDCProvider(t)
	l := live(t, server, server.Client(oauthservers.Basic), nil)
	l.person()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for i := range max(*rounds/12, 6) {
		process := exec.CommandContext(t.Context(), self, "refresh", l.path, l.offset().String())
		process.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
		kill := func() { _ = process.Process.Kill() }
		switch i % 3 {
		case 0:
			server.Play(oauthservers.LoseBefore)
			server.AtNextRefresh(kill, nil)
		case 1:
			server.Play(oauthservers.LoseReply)
			server.AtNextRefresh(nil, kill)
		case 2:
			server.AtNextRefresh(nil, func() { time.AfterFunc(time.Duration(i)*time.Millisecond, kill) })
		}
		if err := process.Start(); err != nil {
			t.Fatal(err)
		}
		_ = process.Wait()
		l.pass(3 * time.Minute) // its claim ends
		if !l.settles() {
			l.person()
			l.pass(time.Minute)
			if r := l.tick(true); r.Outcome != outcome.Refreshed {
				t.Fatalf("after a person: %s, %v", r.Outcome, r.Err)
			}
		}
		l.once()
	}
	l.good()
	t.Logf("%+v, people %d", server.Seen(), l.people-1)
}

// Without a refresh token the function logs in when the access token is due.
func TestClientCredentials(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(t *testing.T) (*oauthservers.Server, oauthservers.Client){
		"oidc-provider": func(t *testing.T) (*oauthservers.Server, oauthservers.Client) {
			t.Helper()
			server := oauthservers.OIDCProvider(t)
			return server, server.Client(oauthservers.Post)
		},
		"django-oauth-toolkit": func(t *testing.T) (*oauthservers.Server, oauthservers.Client) {
			t.Helper()
			server := oauthservers.Toolkit(t, nil)
			return server, server.Client("login")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, client := start(t)
			l := live(t, server, client, map[string]any{"login_params": map[string]any{"grant_type": "client_credentials"}})
			for i := range 20 {
				if r := l.tick(true); r.Outcome != outcome.LoggedIn {
					t.Fatalf("%d: %s, %v", i, r.Outcome, r.Err)
				}
				l.pass(time.Hour)
			}
			if seen := server.Seen(); seen.Refreshes != 0 || seen.Logins != 20 {
				t.Errorf("%+v", seen)
			}
		})
	}
}
