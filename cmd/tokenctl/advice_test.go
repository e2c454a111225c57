package main

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"

	"tokenrefresh/internal/moto/awscli"
)

var (
	// command is one for a shell, in what the command says. It ends with its line, or where a sentence goes on.
	command  = regexp.MustCompile(`(?:^|[\s"` + "`" + `])((?:tokenctl|aws) [a-z][^\n` + "`" + `]*)`)
	ofAWSCLI = regexp.MustCompile(`^aws (sso|configure) | --[a-z]`)
	goesOn   = regexp.MustCompile(`( or (tokenctl|aws) |[;,:)]+ |[";,:)]+$|"[],}]|\\"| and | once more).*`)
)

// advised are the lines for the AWS CLI that tests were told.
var advised = struct {
	sync.Mutex
	lines map[string]bool
}{lines: map[string]bool{}}

// advises checks that every command that a text tells is one, and keeps those for the AWS CLI.
func advises(t *testing.T, text string) {
	t.Helper()
	for _, line := range commandsIn(text) {
		if strings.HasPrefix(line, "aws ") {
			if ofAWSCLI.MatchString(line) { // else aws is the name of a home
				advised.Lock()
				advised.lines[line] = true
				advised.Unlock()
			}
			continue
		}
		args := shellWords(line)[1:]
		hasFlags := slices.ContainsFunc(args, func(arg string) bool { return strings.HasPrefix(arg, "--") }) // else a sentence names a verb
		usage{"told", args, hasFlags}.check(t)
	}
}

// commandsIn are the commands that a text tells.
func commandsIn(text string) []string {
	var all []string
	for {
		found := command.FindStringSubmatchIndex(text)
		if found == nil {
			return all
		}
		if line := goesOn.ReplaceAllString(text[found[2]:found[3]], ""); !strings.HasPrefix(line, "tokenctl version ") {
			all = append(all, line)
		}
		text = text[found[2]+1:]
	}
}

// shellWords are the words of a line in which apostrophes quote.
func shellWords(line string) []string {
	quoted := false
	return strings.FieldsFunc(strings.Map(func(r rune) rune {
		switch {
		case r == '\'':
			quoted = !quoted
			return -1
		case quoted && unicode.IsSpace(r):
			return '_'
		}
		return r
	}, line), unicode.IsSpace)
}

// takesAdvice reports whether the AWS CLI takes every line for it that a test was told. At the address nobody answers.
func takesAdvice() bool {
	all := true
	for _, line := range slices.Sorted(maps.Keys(advised.lines)) {
		code, said, err := awscli.Try(line, "AWS_ENDPOINT_URL=http://127.0.0.1:1", "AWS_REGION=eu-west-1", "AWS_ACCESS_KEY_ID=k",
			"AWS_SECRET_ACCESS_KEY=s", "AWS_CONFIG_FILE="+os.DevNull)
		if err != nil || code == awscli.WrongLine {
			fmt.Printf("FAIL: the AWS CLI refuses an advised line: %s\n%s%v\n", line, said, err)
			all = false
		}
	}
	return all
}
