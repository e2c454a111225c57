package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/sandbox"
	"tokenrefresh/pkg/store"
)

var (
	span         = regexp.MustCompile("`tokenctl ([^`]*)`")
	continuation = regexp.MustCompile(`\\\n\s*`)
	shellEnds    = regexp.MustCompile(`\s(#|\||>|<|&&|;).*$`)
)

// usage is a command line of a document.
type usage struct {
	where string
	args  []string
	whole bool // to be run as it stands, so that it must be complete
}

// usages are the command lines of README.md and docs/.
func usages(t *testing.T) []usage {
	t.Helper()
	paths, err := filepath.Glob("../../docs/*.md")
	assert.NilError(t, err)
	var all []usage
	for _, path := range append(paths, "../../README.md") {
		text, err := os.ReadFile(path)
		assert.NilError(t, err)
		for paragraph := range strings.SplitSeq(continuation.ReplaceAllString(string(text), " "), "\n\n") {
			var prose strings.Builder
			for line := range strings.Lines(paragraph) {
				code, indented := strings.CutPrefix(line, "    ")
				if !indented {
					prose.WriteString(line)
					continue
				}
				// After a pipe too: the commands before it make its input.
				for part := range strings.SplitSeq(code, " | ") {
					fields := strings.Fields(shellEnds.ReplaceAllString(strings.TrimSpace(part), ""))
					if at := slices.Index(fields, "tokenctl"); at >= 0 && fields[0] != "make" {
						all = append(all, usage{filepath.Base(path), fields[at+1:], true})
					}
				}
			}
			for _, match := range span.FindAllStringSubmatch(prose.String(), -1) { // over the ends of lines
				for _, args := range each(strings.Fields(match[1])) {
					all = append(all, usage{filepath.Base(path), args, false})
				}
			}
		}
	}
	return all
}

// each expands a command line with choices, such as accept|discard.
func each(args []string) [][]string {
	lines := [][]string{nil}
	for _, arg := range args {
		var longer [][]string
		for _, line := range lines {
			for choice := range strings.SplitSeq(arg, "|") {
				longer = append(longer, append(slices.Clone(line), choice))
			}
		}
		lines = longer
	}
	return lines
}

// Every command in a document exists.
func TestDocumentsNameCommandsThatExist(t *testing.T) {
	t.Parallel()
	all := usages(t)
	assert.Assert(t, len(all) >= 10, "only %d command lines found", len(all))
	for _, u := range all {
		u.check(t)
	}
}

// check fails the test if the command line is wrong.
func (u usage) check(t *testing.T) {
	t.Helper()
	cmd, rest, err := root(&options{}).Find(unquoted(u.args))
	if err != nil || cmd.Parent() == nil {
		t.Errorf("%s: tokenctl %s: no such command", u.where, strings.Join(u.args, " "))
		return
	}
	if err = cmd.ParseFlags(rest); err == nil {
		err = cmd.ValidateArgs(cmd.Flags().Args())
	}
	if err == nil && u.whole {
		err = cmd.ValidateRequiredFlags()
	}
	if err == nil && u.whole {
		err = cmd.ValidateFlagGroups()
	}
	assert.Check(t, err == nil, "%s: tokenctl %s: %v", u.where, strings.Join(u.args, " "), err)
}

// Each verb has its row on the page that lists them.
func TestVerbsAreListed(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/tokenctl.md")
	assert.NilError(t, err)
	rows := strings.Join(regexp.MustCompile("(?m)^\\| `[^|]*\\|").FindAllString(string(text), -1), "\n")
	for _, cmd := range root(&options{}).Commands() {
		if !cmd.Hidden && !regexp.MustCompile("`"+cmd.Name()+"\\b").MatchString(rows) {
			t.Errorf("docs/tokenctl.md has no row for %s", cmd.Name())
		}
	}
}

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
	s.hasRow(t, "hesabe", "shop-9", true)
	_, err := os.Stat("accounts.jsonl.progress")
	assert.Check(t, errors.Is(err, os.ErrNotExist), "a progress is left: %v", err)
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
