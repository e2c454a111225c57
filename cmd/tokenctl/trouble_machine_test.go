package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/sandbox"
	"tokenrefresh/pkg/store"
)

// machineTroubles are the troubles of a machine with a state file.
var machineTroubles = []trouble{
	{
		name: "nobody has put credentials in", fresh: true,
		breaks: func(*testing.T, *site) {},
		status: told{exitPerson, "nobody has filled in the secret hesabe/default/credentials", "tokenctl seed credentials --provider hesabe"},
		doctor: told{exitPerson, "no credentials are set up", "tokenctl seed credentials --provider hesabe"},
		types:  func(s *site) string { return s.Credentials(sandbox.Hesabe) },
		acts: func(t *testing.T, s *site) { // as status tells
			s.seeds(t, sandbox.TConnect, s.Credentials(sandbox.TConnect))
			s.seeds(t, sandbox.Berbix, s.Credentials(sandbox.Berbix))
		},
	},
	{
		name: "the password is wrong when a login is needed",
		breaks: func(t *testing.T, s *site) {
			s.revokes(t)
			s.seeds(t, sandbox.Hesabe, s.wrong(t, sandbox.Hesabe, "password"))
			s.due(t, sandbox.Hesabe)
		},
		both:  told{exitPerson, "the login is refused: correct username or password", "tokenctl seed credentials --provider hesabe"},
		types: func(s *site) string { return s.Credentials(sandbox.Hesabe) },
	},
	{
		name: "the credentials are no JSON any more",
		breaks: func(t *testing.T, s *site) {
			s.put(t, store.Key{Provider: "hesabe", Account: "default"}, store.Credentials, `{"username":"u`)
			s.due(t, sandbox.Hesabe)
		},
		both:  told{exitPerson, "secret hesabe/default/credentials: hesabe open: misconfigured: correct the credentials secret: not a JSON object", "tokenctl seed credentials --provider hesabe"},
		types: func(s *site) string { return s.Credentials(sandbox.Hesabe) },
	},
	{
		name: "TConnect's aes_key is wrong",
		breaks: func(t *testing.T, s *site) {
			s.seeds(t, sandbox.TConnect, s.wrong(t, sandbox.TConnect, "aes_key"))
			s.due(t, sandbox.TConnect)
		},
		both:  told{exitPerson, "or aes_key in the credentials secret", "tokenctl seed credentials --provider tconnect"},
		types: func(s *site) string { return s.Credentials(sandbox.TConnect) },
	},
	{
		name: "the refresh token is revoked, and there is no login",
		breaks: func(t *testing.T, s *site) {
			s.seeds(t, sandbox.Hesabe, s.withoutLogin(t))
			s.revokes(t)
			s.due(t, sandbox.Hesabe)
		},
		both:  told{exitPerson, "the refresh token is refused, and there is no login", "tokenctl seed tokens --provider hesabe"},
		types: func(s *site) string { return s.Issue(sandbox.Hesabe).RefreshToken },
	},
	{
		name: "a reply is lost, and there is no login",
		breaks: func(t *testing.T, s *site) {
			s.seeds(t, sandbox.Hesabe, s.withoutLogin(t))
			s.Inject(sandbox.Hesabe, sandbox.Refresh, 1, sandbox.LoseReply())
			s.due(t, sandbox.Hesabe)
		},
		both:  told{exitPerson, "the refresh token may be spent, and there is no login", "tokenctl seed tokens --provider hesabe"},
		types: func(s *site) string { return s.Issue(sandbox.Hesabe).RefreshToken },
	},
	{
		name: "a pause is forgotten",
		breaks: func(t *testing.T, s *site) {
			s.run(t, "", "pause", "--provider", "hesabe").want(t, exitDone)
			s.passes(t, sandbox.Hesabe, 20*time.Minute)
		},
		both: told{exitPerson, "a person has paused the calls to the provider; the access token ended", "tokenctl resume --provider hesabe"},
	},
	{
		name: "the provider's address is wrong",
		breaks: func(t *testing.T, s *site) {
			s.seeds(t, sandbox.Hesabe, strings.Replace(s.Credentials(sandbox.Hesabe), s.URL(sandbox.Hesabe), "http://127.0.0.1:1", 1))
			s.passes(t, sandbox.Hesabe, 14*time.Minute)
		},
		status: told{exitPerson, "no connection to 127.0.0.1:1: check base_url", "tokenctl doctor"},
		doctor: told{exitPerson, "127.0.0.1:1 refuses connections", "tokenctl seed credentials --provider hesabe"},
		types:  func(s *site) string { return s.Credentials(sandbox.Hesabe) },
	},
	{
		name: "the provider limits the rate",
		breaks: func(t *testing.T, s *site) {
			s.Inject(sandbox.Hesabe, sandbox.Any, 0, sandbox.RateLimit("30"))
			s.due(t, sandbox.Hesabe)
		},
		both: told{exitDone, "the provider wants no call for another", "it goes on by itself"},
		acts: func(t *testing.T, s *site) {
			s.Clear(sandbox.Hesabe)
			s.passes(t, sandbox.Hesabe, 30*time.Second)
		},
	},
	{
		name: "somebody has edited the access secret",
		breaks: func(t *testing.T, s *site) {
			s.put(t, store.Key{Provider: "hesabe", Account: "default"}, store.AccessDoc, `{"access_token":"mine"}`)
			s.passes(t, sandbox.Hesabe, 2*time.Minute)
		},
		both: told{exitPerson, "no run has published the value of the secret hesabe/default/access", "tokenctl refresh --force --provider hesabe"},
	},
	{
		name:   "no run comes",
		breaks: func(t *testing.T, s *site) { s.passes(t, sandbox.Hesabe, 30*time.Minute) }, noRun: true,
		status: told{exitPerson, "a refresh is due, and no run has begun one for", "tokenctl refresh --provider hesabe"},
		doctor: told{exitPerson, "`tokenctl run` does not run", "tokenctl run"},
	},
	{
		name:   "transactions are due, and no run comes",
		breaks: func(t *testing.T, s *site) { s.overdue(t, 10*time.Minute) }, noRun: true,
		status: told{exitPerson, "transactions due: 1, the oldest for 10m", "tokenctl refresh --provider berbix"},
		doctor: told{exitPerson, "transactions due: 1, the oldest for 10m", "tokenctl run"},
	},
	{
		name: "Berbix refuses the API secret",
		breaks: func(t *testing.T, s *site) {
			s.seeds(t, sandbox.Berbix, s.wrong(t, sandbox.Berbix, "api_secret"))
			s.record(t, s.AddTransaction())
		},
		both:  told{exitPerson, "the credentials are refused: correct api_secret", "tokenctl seed credentials --provider berbix"},
		types: func(s *site) string { return s.Credentials(sandbox.Berbix) },
	},
	{
		name: "others can read the state file",
		breaks: func(t *testing.T, s *site) {
			assert.NilError(t, os.Chmod(s.flags[len(s.flags)-1], 0o644))
		},
		status: told{exitPerson, "others may read its tokens (mode 0644)", "run `chmod 600 "},
		doctor: told{exitPerson, "others may read its tokens (mode 0644)", "chmod 600 "},
	},
}

func TestTroubleOnAMachine(t *testing.T) {
	t.Parallel()
	for _, b := range machineTroubles {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			s := &site{scene: embeddedWorld(t).provision(t)}
			if !b.fresh {
				s.seedAll(t)
				s.record(t, s.AddTransaction())
				s.ticks(t)
				s.well(t)
			}
			b.play(t, s)
		})
	}
}
