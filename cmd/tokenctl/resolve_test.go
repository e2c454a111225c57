package main

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"tokenrefresh/internal/sandbox"
	"tokenrefresh/pkg/store"
)

// losesReply loses the reply of a refresh of Hesabe without a login, which then waits for a person.
func (s *scene) losesReply(t *testing.T) {
	t.Helper()
	s.run(t, fmt.Sprintf(`{"base_url":%q}`, s.URL(sandbox.Hesabe)), "seed", "credentials", "--provider", "hesabe").want(t, exitDone)
	s.Inject(sandbox.Hesabe, sandbox.Refresh, 1, sandbox.Status(http.StatusInternalServerError))
	s.run(t, "", "refresh", "--provider", "hesabe", "--force").want(t, exitPerson, "uncertain")
}

func TestResolve(t *testing.T) {
	inHomes(t, func(t *testing.T, w *world) {
		s := w.provision(t, sandbox.Hesabe)
		hesabe := []string{"--provider", "hesabe"}
		do := func(args ...string) said {
			t.Helper()
			return s.run(t, "", append(args, hesabe...)...)
		}
		do("resolve", "relogin", "--account", "shop-2").want(t, exitFailed, "there is no such account shop-2: there are hesabe/default")
		do("refresh").want(t, exitDone, "logged_in")
		row, _ := s.row(t, "hesabe", "default")
		row.Phase, row.ClaimedUntil = store.Sending, time.Now().Add(time.Minute)
		s.write(t, row)
		do("resolve", "relogin").want(t, exitNothing, "hesabe/default: busy", "nothing was done: hesabe is busy")
		row.Phase = store.Idle
		s.write(t, row)
		do("resolve", "accept").want(t, exitFailed, "not resolved", "is current already")
		do("resolve", "relogin").want(t, exitDone, "hesabe/default: logged_in, the access token expires in 14m")
		s.published(t, sandbox.Hesabe)

		// The reply of a refresh is lost, and there is no login: it waits for a person.
		s.losesReply(t)
		do("resolve", "accept").want(t, exitFailed, "no reply is stored", store.NameOf(w.Secrets, store.Key{
			Provider: "hesabe", Account: "default",
		}, store.TokensDoc))
		do("resolve", "discard").want(t, exitFailed, "may have been presented")
		do("resolve", "relogin").want(t, exitFailed, "has no login")
		s.run(t, s.Credentials(sandbox.Hesabe), "seed", "credentials", "--provider", "hesabe").want(t, exitDone)
		do("resolve", "relogin", "--json").want(t, exitDone, `"outcomes":{"logged_in":1}`, `"source":"login"`)
		s.published(t, sandbox.Hesabe)

		do("resolve", "discard").want(t, exitFailed, "nothing to discard")

		if len(w.flags) == 0 {
			return // after its label was moved, moto leaves AWSCURRENT on two versions of a secret that is put
		}
		// A reply is lost again, and a person seeds a token of a login of their own.
		s.losesReply(t)
		s.run(t, s.Issue(sandbox.Hesabe).RefreshToken, "seed", "tokens", "--provider", "hesabe").want(t, exitDone)
		do("resolve", "discard").want(t, exitDone, "hesabe/default: superseded", "the next run refreshes the current version")
		do("refresh").want(t, exitDone, "hesabe/default: refreshed")
		s.published(t, sandbox.Hesabe)
	})
}

// A person may present an uncertain token once more, and is asked first.
func TestResolveRetry(t *testing.T) {
	inHomes(t, func(t *testing.T, w *world) {
		s := w.provision(t, sandbox.Hesabe)
		do := func(args ...string) said {
			t.Helper()
			return s.run(t, "", append(args, "--provider", "hesabe")...)
		}
		do("refresh").want(t, exitDone, "logged_in")
		do("resolve", "retry", "--yes").want(t, exitFailed, "is not uncertain")
		do("resolve", "retry").want(t, exitFailed, "is not uncertain") // and nobody is asked
		s.losesReply(t)
		do("resolve", "retry").want(t, exitUsage, "give --yes if you mean it", "Present it once more?")
		do("resolve", "retry", "--yes").want(t, exitFailed, "may still be running: retry after")
		row, _ := s.row(t, "hesabe", "default")
		row.ClaimedUntil = time.Now().Add(-time.Second)
		s.write(t, row)
		do("resolve", "retry", "--yes").want(t, exitDone, "hesabe/default: refreshed")
	})
}
