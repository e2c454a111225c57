package main

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/sandbox"
	"tokenrefresh/pkg/store"
)

// ofAWS are flags of documented commands that work on AWS alone.
var ofAWS = []string{"--function", "--stack", "--region", "--profile", "--secret-prefix", "--table-prefix", "--kms-key"}

// Every command in the documents is run as printed: none is refused for its form, and those for a
// state file work.
func TestDocumentsCommandsRun(t *testing.T) {
	s := embeddedWorld(t).provision(t, sandbox.Hesabe, sandbox.TConnect, sandbox.Berbix)
	s.run(t, "", "refresh").want(t, exitDone)
	state := s.flags[len(s.flags)-1]
	lines := usages(t)
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"accounts.jsonl":     `{"account":"shop-9","credentials":{"username":"u","password":"p"}}`,
		"transactions.jsonl": `{"transaction_id":7,"refresh_token":"x"}`,
	} {
		assert.NilError(t, os.WriteFile(name, []byte(text), 0o600))
	}
	nowhere := refusing(t, "AccessDeniedException", 0)
	ran := 0
	for _, u := range lines {
		has := func(flag string) bool {
			return slices.ContainsFunc(u.args, func(arg string) bool { return arg == flag || strings.HasPrefix(arg, flag+"=") })
		}
		if !u.whole || slices.Contains([]string{"local", "sandbox"}, u.args[0]) || has("--watch") || has("--home") {
			continue // which have tests of their own, or name a home that is not here
		}
		onAWS(t, nowhere)
		if slices.ContainsFunc(ofAWS, has) {
			t.Setenv("TOKENCTL_HOME", "aws")
		} else {
			bare(t)
			setenv(t, map[string]string{"TOKENCTL_HOME": "embedded", "TOKENCTL_STATE": state})
		}
		ran++
		ctx := t.Context()
		if u.args[0] == "run" || u.args[0] == "login" { // which wait, one for its end, one for a person
			ended, cancel := context.WithCancel(ctx)
			cancel()
			ctx = ended
		}
		got := tokenctlIn(ctx, t, s.inputOf(u.args), unquoted(u.args)...)
		if got.code == exitUsage && !strings.Contains(got.err, "there is no terminal to ask at") {
			t.Errorf("%s: tokenctl %s: %s", u.where, strings.Join(u.args, " "), got.err)
		}
	}
	assert.Check(t, ran >= 20, "only %d lines were run", ran)
	if _, exists := s.row(t, "hesabe", "shop-9"); !exists {
		t.Error("the accounts of a file are not seeded")
	}
	if _, err := os.Stat("accounts.jsonl.progress"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a progress is left: %v", err)
	}
	s.current(t, "hesabe", "default", store.Credentials)
}

// inputOf is what a person would type into a command.
func (s *scene) inputOf(args []string) string {
	switch provider := valueOf(args, "--provider"); {
	case len(args) > 1 && args[0] == "seed" && args[1] == "credentials":
		return s.Credentials(sandbox.Provider(provider))
	case len(args) > 1 && args[0] == "seed" && args[1] == "tokens":
		return s.Issue(sandbox.Provider(provider)).RefreshToken
	case args[0] == "record" && valueOf(args, "--file") == "-":
		return `{"transaction_id":8,"refresh_token":"x"}`
	case args[0] == "record":
		return "x"
	}
	return ""
}

// valueOf is the value of a flag on a line.
func valueOf(args []string, flag string) string {
	if at := slices.Index(args, flag); at >= 0 && at+1 < len(args) {
		return args[at+1]
	}
	return ""
}

// unquoted are words after a shell's unquoting, with a name in place of each variable.
func unquoted(args []string) []string {
	var words []string
	for _, arg := range args {
		words = append(words, os.Expand(strings.Trim(arg, `'"`), func(string) string { return "token-refresh" }))
	}
	return words
}
