package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tokenrefresh/internal/sandbox"
	"tokenrefresh/pkg/store"
)

// Credentials that cannot log in replace none; those that can log in begin a chain at once.
func TestSeedCheck(t *testing.T) {
	inHomes(t, func(t *testing.T, w *world) {
		s := w.provision(t)
		check := []string{"seed", "credentials", "--provider", "hesabe", "--check"}
		s.run(t, s.Credentials(sandbox.Hesabe), check...).want(t, exitDone, "the login went well, and its tokens begin the chain")
		s.run(t, "", "refresh").want(t, exitDone, "hesabe/default: refreshed")
		if stats := s.Stats(sandbox.Hesabe); stats.Logins != 1 {
			t.Errorf("%d logins", stats.Logins)
		}
		before := s.current(t, "hesabe", "default", store.Credentials)
		wrong := (&site{scene: s}).wrong(t, sandbox.Hesabe, "password")
		s.run(t, wrong, check...).want(t, exitFailed, "nothing was written: the login has failed: hesabe login: ")
		if got := s.current(t, "hesabe", "default", store.Credentials); got != before {
			t.Error("the good ones are replaced")
		}
		s.published(t, sandbox.Hesabe)

		row, _ := s.row(t, "hesabe", "default")
		row.Phase, row.ClaimedUntil = store.Sending, time.Now().Add(time.Minute)
		s.write(t, row)
		s.run(t, s.Credentials(sandbox.Hesabe), check...).want(t, exitNothing, "nothing was done: a run is at work until")
		s.run(t, s.Credentials(sandbox.Berbix), "seed", "credentials", "--provider", "berbix", "--check").want(t, exitFailed,
			"nothing was written: these credentials have no login to check")
	})
}

// Two accounts with one login at one host cause a warning, when the second is seeded and later.
func TestSharedLogins(t *testing.T) {
	inHomes(t, func(t *testing.T, w *world) {
		s := w.provision(t, sandbox.Hesabe)
		seed := func(account, text string) said {
			t.Helper()
			return s.run(t, text, "seed", "credentials", "--provider", "hesabe", "--account", account)
		}
		const warning = "uses the same login at the same host as default"
		seed("shop-2", s.Credentials(sandbox.Hesabe)).want(t, exitDone, "warning: shop-2 "+warning)
		if got := seed("shop-3", strings.Replace(s.Credentials(sandbox.Hesabe), "127.0.0.1", "localhost", 1)); strings.Contains(got.err, warning) {
			t.Errorf("another host is none: %s", got.err)
		}
		if got := seed("shop-4", fmt.Sprintf(`{"base_url":%q}`, s.URL(sandbox.Hesabe))); strings.Contains(got.err, warning) {
			t.Errorf("there is no login: %s", got.err)
		}
		if len(s.flags) > 0 { // the doctor of a stack has tests of its own
			told{code: exitPerson, cause: "hesabe: the accounts default, shop-2 use one login at one host", mend: "a login of its own"}.
				check(t, "doctor", s.run(t, "", "doctor"))
		}
	})
}
