package main

import (
	"encoding/json"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/sandbox"
	"tokenrefresh/pkg/store"
)

// A printed token is good at the provider, and has the life left that was asked for.
func TestToken(t *testing.T) {
	inHomes(t, func(t *testing.T, w *world) {
		s := w.provision(t, sandbox.Hesabe, sandbox.Berbix)
		added := s.AddTransaction()
		s.record(t, added)
		token := []string{"token", "--provider", "hesabe"}
		s.run(t, "", token...).want(t, exitFailed, "no access token is published yet", "tokenctl status --provider hesabe")
		s.run(t, "", "refresh").want(t, exitDone)

		got := s.world.run(t, "", token...)
		got.want(t, exitDone)
		if !s.Valid(sandbox.Hesabe, strings.TrimSuffix(got.out, "\n")) || strings.Contains(got.err, got.out) {
			t.Errorf("%q is not valid; %s", got.out, got.err)
		}
		s.run(t, "", append(token, "--min-life", "1h")...).want(t, exitFailed, "1h0m0s were asked for", "ask for less")
		s.world.run(t, "", append(token, "--min-life", "0s")...).want(t, exitDone)

		got = s.world.run(t, "", "token", "--json", "--provider", "berbix", "--transaction", strconv.FormatInt(added.ID, 10))
		var printed printed
		if err := json.Unmarshal([]byte(got.out), &printed); err != nil || printed.ClientToken == "" || printed.TokenType != "Bearer" ||
			!s.Valid(sandbox.Berbix, printed.AccessToken) || time.Until(printed.ExpiresAt) < time.Minute {
			t.Errorf("%v: %s%s", err, got.out, got.err)
		}
		s.run(t, "", "token", "--provider", "berbix", "--transaction", "1").want(t, exitFailed, "must be")
		s.run(t, "", append(token, "--account", "shop-2")...).want(t, exitFailed, "there is no such account shop-2: there are hesabe/default")
	})
}

// A token that has ended is not printed, however little life is asked for.
func TestTokenThatHasEnded(t *testing.T) {
	t.Parallel()
	w := embeddedWorld(t)
	w.put(t, store.Key{Provider: "hesabe", Account: "default"}, store.AccessDoc,
		`{"access_token":"`+planted+`","access_expires_at":"2026-01-01T00:00:00Z"}`)
	w.run(t, "", "token", "--provider", "hesabe", "--min-life", "0s").want(t, exitFailed,
		"has expired at 2026-01-01T00:00:00Z", "tokenctl status --provider hesabe --home embedded --state /")
}

// The command gets the token in its environment, and tokenctl ends as it does.
func TestExec(t *testing.T) {
	t.Parallel()
	s := embeddedWorld(t).provision(t, sandbox.Hesabe)
	exec := append([]string{"exec", "--provider", "hesabe"}, s.flags...)
	ran := func(args ...string) said { return tokenctl(t, "typed\n", append(exec, args...)...) }

	ran("--", "touch", t.TempDir()+"/f").want(t, exitFailed, "no access token is published yet")
	s.run(t, "", "refresh").want(t, exitDone)

	got := ran("--", "sh", "-c", `cat; printf '%s %s %s' "$ACCESS_TOKEN" "$ACCESS_TOKEN_TYPE" "$ACCESS_TOKEN_EXPIRES_AT"`)
	typed, rest, _ := strings.Cut(got.out, "\n")
	words := strings.Fields(rest)
	if got.code != exitDone || typed != "typed" || len(words) != 3 || !s.Valid(sandbox.Hesabe, words[0]) || words[1] != "Bearer" {
		t.Errorf("%d: %s%s", got.code, got.out, got.err)
	}
	if at, err := time.Parse(time.RFC3339, words[2]); err != nil || time.Until(at) < time.Minute {
		t.Errorf("%s: %v", words[2], err)
	}
	got = ran("--env", "HESABE", "--", "sh", "-c", `printf %s "$HESABE$ACCESS_TOKEN"`)
	assert.Check(t, s.Valid(sandbox.Hesabe, got.out), "%d: %s%s", got.code, got.out, got.err)
	for code, args := range map[int][]string{
		7:                 {"sh", "-c", "exit 7"}, // flags of the command's own, without --
		128 + 9:           {"--", "sh", "-c", "kill -KILL $$"},
		exitNotFound:      {"--", "/no/such/command"},
		exitNotExecutable: {"--", t.TempDir()},
	} {
		if got := ran(args...); got.code != code || code < exitNotExecutable && got.err != "" {
			t.Errorf("%v ends with %d: %s", args, got.code, got.err)
		}
	}
	ran("--env", "A B", "--", "true").want(t, exitUsage, "--env")
}

// A signal to exec ends the command, which may take its time.
func TestExecPassesSignalsOn(t *testing.T) {
	t.Parallel()
	s := embeddedWorld(t).provision(t, sandbox.Hesabe)
	s.run(t, "", "refresh").want(t, exitDone)
	flags := s.flags
	s.flags = nil // they come before the command
	p := s.start(t, nil, append(append([]string{"exec", "--provider", "hesabe"}, flags...),
		"--", "sh", "-c", `trap 'echo ending; exit 9' TERM; echo begun; while :; do sleep 0.01; done`)...)
	p.await(t, "begun")
	p.signal(t, syscall.SIGTERM)
	p.ended(t, 9, 0)
	p.await(t, "ending")
}
