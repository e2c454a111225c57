package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
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
