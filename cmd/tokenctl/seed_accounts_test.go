package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/sandbox"
	"tokenrefresh/pkg/store"
)

// accounts are lines of n accounts of Hesabe.
func accounts(n int) string {
	var lines strings.Builder
	for i := range n {
		fmt.Fprintf(&lines, `{"account":"shop-%03d","credentials":{"username":"u%d","password":"%s"}}`+"\n", i, i, planted)
	}
	return lines.String()
}

// One command seeds many accounts, and may be repeated. Runs keep them fresh.
func TestSeedFile(t *testing.T) {
	inHomes(t, func(t *testing.T, w *world) {
		s := w.provision(t)
		path := write(t, "accounts.jsonl", fmt.Sprintf("\ufeff"+`{"provider":"hesabe","account":"shop-1","credentials":%s}`+"\r\n\r\n"+
			`{"provider":"tconnect","account":"shop-2","credentials":%s}`+"\n"+
			`{"provider":"berbix","account":"shop-3","credentials":%s}`,
			s.Credentials(sandbox.Hesabe), s.Credentials(sandbox.TConnect), s.Credentials(sandbox.Berbix)))
		seed := []string{"seed", "--file", path, "--rate", "50"}
		s.run(t, "", seed...).want(t, exitDone, "lines 1 to 4: 3 seeded, 0 unchanged, 0 refused, 0 not stored")
		_, err := os.Stat(path + ".progress")
		assert.Check(t, err != nil, "its progress stays behind")
		before, err := w.Secrets.CurrentID(t.Context(), store.Key{Provider: "hesabe", Account: "shop-1"}, store.Credentials)
		assert.NilError(t, err)
		s.run(t, "", append(seed, "--json")...).want(t, exitDone, `"seeded":0,"unchanged":3`)
		after, err := w.Secrets.CurrentID(t.Context(), store.Key{Provider: "hesabe", Account: "shop-1"}, store.Credentials)
		assert.Check(t, after == before, "it is written again: %v", err)
		s.run(t, "", "refresh").want(t, exitDone, "hesabe/shop-1: logged_in", "tconnect/shop-2: logged_in")
		s.run(t, "", seed...).want(t, exitDone, "3 unchanged")
	})
}

// A chain may begin with a refresh token; loaded again, the file ends no chain.
func TestSeedFileWithTokens(t *testing.T) {
	t.Parallel()
	s := embeddedWorld(t).provision(t)
	path := write(t, "accounts.jsonl", fmt.Sprintf(`{"provider":"hesabe","account":"shop-1","credentials":{"base_url":%q},"refresh_token":%q}`,
		s.URL(sandbox.Hesabe), s.Issue(sandbox.Hesabe).RefreshToken))
	s.run(t, "", "seed", "--file", path).want(t, exitDone, "1 seeded")
	s.run(t, "", "seed", "--file", path).want(t, exitDone, "1 unchanged")
	s.run(t, "", "refresh").want(t, exitDone, "hesabe/shop-1: refreshed")
	s.run(t, "", "seed", "--file", path).want(t, exitDone, "1 unchanged")
	s.run(t, "", "refresh", "--force").want(t, exitDone, "hesabe/shop-1: refreshed")
}

// A wrong line is reported with its number and without its values, and does not stop others.
func TestSeedFileWithWrongLines(t *testing.T) {
	t.Parallel()
	w := embeddedWorld(t)
	good := `"credentials":{"username":"u","password":"` + planted + `"}`
	lines := map[string]string{
		`{"account":"ok-1",` + good + `}`:                    "",
		planted:                                              "not a JSON object",
		`{"account":"a/b",` + good + `}`:                     "account must be",
		`{"account":"no-credentials"}`:                       "credentials is not a JSON object",
		`{"account":"text","credentials":"` + planted + `"}`: "credentials is not a JSON object",
		`{"account":"halved","credentials":{"username":"` + planted + `"}}`:     "hesabe/halved: nothing was written: hesabe open: misconfigured: correct the credentials secret: password is missing",
		`{"provider":"nobody","account":"x",` + good + `}`:                      "provider is not one of " + strings.Join(catalog.Names(), ", "),
		`{"account":"ok-1",` + good + ` }`:                                      "hesabe/ok-1 was named in a line before",
		`{"account":"mistyped","credentials":{"base_ulr":"` + planted + `"}}`:   "base_ulr is not known to hesabe: is base_url meant?",
		`{"account":"mistyped","credential":{}}`:                                "credential is not known here: use provider, account, credentials, refresh_token",
		`{"account":"spaced",` + good + `,"refresh_token":"` + planted + ` b"}`: "white space",
		`{"account":"long","` + strings.Repeat("k", 60<<10) + `":1}`:            strings.Repeat("k", 64) + "… is not known here",
		`{"account":"too-long",` + good + strings.Repeat(" ", 64<<10) + `}`:     "longer than 64 KiB",
		`{"account":"ok-2",` + good + `}`:                                       "",
	}
	text, says := "", []string{}
	for line, told := range lines {
		if strings.Contains(line, "ok-1") {
			continue
		}
		text += line + "\n"
		if told != "" {
			says = append(says, told)
		}
	}
	text = `{"account":"ok-1",` + good + "}\n" + text + `{"account":"ok-1",` + good + " }\n"
	path := write(t, "accounts.jsonl", text)
	got := w.run(t, "", "seed", "--file", path, "--provider", "hesabe")
	got.want(t, exitPartly, append(says, "2 seeded", "12 refused", "hesabe/ok-1 was named in a line before")...)
	assert.Check(t, !strings.Contains(got.err, strings.Repeat("k", 65)), "a name is shown whole")
	for _, account := range []string{"ok-1", "ok-2"} {
		w.hasRow(t, "hesabe", account, true)
	}
	w.run(t, "", "seed", "--file", write(t, "empty.jsonl", "\n\n")).want(t, exitFailed, "there is no record in it")
}

// After an interrupt it goes on where it stopped.
func TestSeedFileGoesOn(t *testing.T) {
	t.Parallel()
	w := embeddedWorld(t)
	path := write(t, "accounts.jsonl", accounts(100))
	ctx := &ending{Context: t.Context(), left: 40}
	args := append([]string{"seed", "--file", path, "--provider", "hesabe"}, w.flags...)
	tokenctlIn(ctx, t, "", args...).want(t, exitStopped, "stopped after line ", "run this again to go on")
	progress, err := os.ReadFile(path + ".progress")
	assert.Check(t, err == nil && !strings.Contains(string(progress), planted), "%s, %v", progress, err)
	tokenctl(t, "", args...).want(t, exitDone, " to 100: ", " 0 unchanged, 0 refused")
	rows, err := w.Ledger.Rows(t.Context(), "hesabe")
	assert.Check(t, err == nil && len(rows) == 100, "%d rows, %v", len(rows), err)
}

// ending is a context that ends after its error was asked for a number of times.
type ending struct {
	context.Context //nolint:containedctx // it is one

	left int
}

// Err implements context.Context.
func (e *ending) Err() error {
	if e.left--; e.left < 0 {
		return context.Canceled
	}
	return nil
}

// Credentials that cannot log in replace none; those that can log in begin a chain at once.
func TestSeedCheck(t *testing.T) {
	inHomes(t, func(t *testing.T, w *world) {
		s := w.provision(t)
		check := []string{"seed", "credentials", "--provider", "hesabe", "--check"}
		s.run(t, s.Credentials(sandbox.Hesabe), check...).want(t, exitDone, "the login went well, and its tokens begin the chain")
		s.run(t, "", "refresh").want(t, exitDone, "hesabe/default: refreshed")
		stats := s.Stats(sandbox.Hesabe)
		assert.Check(t, stats.Logins == 1, "%d logins", stats.Logins)
		before := s.current(t, "hesabe", "default", store.Credentials)
		wrong := (&site{scene: s}).wrong(t, sandbox.Hesabe, "password")
		s.run(t, wrong, check...).want(t, exitFailed, "nothing was written: the login has failed: hesabe login: ")
		got := s.current(t, "hesabe", "default", store.Credentials)
		assert.Check(t, got == before, "the good ones are replaced")
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
		got := seed("shop-3", strings.Replace(s.Credentials(sandbox.Hesabe), "127.0.0.1", "localhost", 1))
		assert.Check(t, !strings.Contains(got.err, warning), "another host is none: %s", got.err)
		got = seed("shop-4", fmt.Sprintf(`{"base_url":%q}`, s.URL(sandbox.Hesabe)))
		assert.Check(t, !strings.Contains(got.err, warning), "there is no login: %s", got.err)
		if len(s.flags) > 0 { // the doctor of a stack has tests of its own
			told{code: exitPerson, cause: "hesabe: the accounts default, shop-2 use one login at one host", mend: "a login of its own"}.
				check(t, "doctor", s.run(t, "", "doctor"))
		}
	})
}
