package oauthservers_test

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/oauthservers"
	"tokenrefresh/pkg/outcome"
)

// faulty are the faults that come now and then, one at a time.
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
			server := strict(t)
			l := live(t, server, server.Client(method), nil)
			l.person()
			lost := l.livesThrough(*rounds / 3)
			assert.Check(t, l.people-1 == lost.all, "%d people for %d losses", l.people-1, lost.all)
			l.sound()
			seen := server.Seen()
			assert.Check(t, seen.Repeated == 0, "presented twice: %+v", seen)
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
	dice := rand.New(rand.NewPCG(1, 2))
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
			l.begin()
		}
	}
	l.good()
	return lost
}

// A process may be killed before the server has the request, after it has acted, or while the
// answer is stored.
func TestKilled(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]killing{
		"strict": {start: strict, people: func(int) bool { return true }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.test(t)
		})
	}
}

// killing is how a chain lives through kills.
type killing struct {
	start  func(*testing.T) *oauthservers.Server
	fields func(*oauthservers.Server) map[string]any
	people func(moment int) bool // whether one may be needed after a kill at this moment
}

// The moments of a kill.
const (
	unseen = iota // by the server
	acted
	answered // and perhaps stored
	moments
)

func (k killing) test(t *testing.T) {
	t.Helper()
	server := k.start(t)
	var fields map[string]any
	if k.fields != nil {
		fields = k.fields(server)
	}
	l := live(t, server, server.Client(oauthservers.Basic), fields)
	l.begin() // without an access token a probe asks nothing
	self, err := os.Executable()
	assert.NilError(t, err)
	for i := range max(*rounds/20, moments*2) {
		process := exec.CommandContext(t.Context(), self, "refresh", l.path, l.offset().String())
		process.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
		started := make(chan struct{})
		kill := func() {
			<-started
			_ = process.Process.Kill()
		}
		switch i % moments {
		case unseen:
			server.Play(oauthservers.LoseBefore)
			server.AtNextRefresh(kill, nil)
		case acted:
			server.Play(oauthservers.LoseReply)
			server.AtNextRefresh(nil, kill)
		case answered:
			server.AtNextRefresh(nil, func() { time.AfterFunc(time.Duration(i)*time.Millisecond, kill) })
		}
		assert.NilError(t, process.Start())
		close(started)
		_ = process.Wait()
		l.pass(3 * time.Minute) // its claim ends
		if !l.settles() {
			assert.Check(t, k.people(i%moments), "a person is needed after kill %d", i)
			l.begin()
		}
		l.sound()
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
			server := strict(t)
			return server, server.Client(oauthservers.Post)
		},
		"django-oauth-toolkit": func(t *testing.T) (*oauthservers.Server, oauthservers.Client) {
			t.Helper()
			server := lenient(t)
			return server, server.Client("login")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, client := start(t)
			l := live(t, server, client, map[string]any{"login_params": map[string]any{"grant_type": "client_credentials"}})
			for i := range 20 {
				r := l.tick(true)
				assert.Assert(t, r.Outcome == outcome.LoggedIn, "%d: %s, %v", i, r.Outcome, r.Err)
				l.pass(time.Hour)
			}
			seen := server.Seen()
			assert.Check(t, seen.Refreshes == 0 && seen.Logins == 20, "%+v", seen)
		})
	}
}
