// Package typed types what the documents print into a shell, as it stands there: against an emulated AWS, with the
// AWS CLI and tokenctl themselves. Programs that would change this machine only write down that they were called.
package typed_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
)

const root = "../../.."

// unit is what a reader types at once: an indented block, or a line within a sentence.
type unit struct {
	text   string
	within bool // a sentence, which may name a command and leave its arguments out
}

var (
	// begins is how lines of a shell begin in our documents.
	begins = regexp.MustCompile(`^(\$ )?(` + strings.Join(slices.Concat(genuine, stubs), "|") + `|export|for|while|umask|:|bin/tokenctl|tokenctl\(\)|\$EDITOR|[a-zA-Z_]+=\S+)(\s|$)`)
	// other is how everything else begins that is indented: data, messages, tables, programs in other languages.
	other  = regexp.MustCompile(`^([\[{"│]|\S+ := |token = |const |def |with |Layers: |locals |resource |[A-Z]+ +[A-Z]+ |time  |(ok|fail) +\w|refresh token |\S+/ +\S|-|[a-z]+:[A-Z])`)
	span   = regexp.MustCompile("`((?:aws|sam|make) [^`]+)`") // cmd/tokenctl tries those of tokenctl
	indent = regexp.MustCompile(`(?m)^ +`)
)

// takesAway is the document that deletes a stack in the end.
const takesAway = "docs/deploy.md"

// pages are the other documents, from the root.
func pages(t *testing.T) []string {
	t.Helper()
	all := []string{"README.md", "CONTRIBUTING.md"}
	paths, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	assert.NilError(t, err)
	for _, path := range paths {
		if name := "docs/" + filepath.Base(path); name != takesAway {
			all = append(all, name)
		}
	}
	return all
}

// units are what a page says to type, in its order.
func units(t *testing.T, path string) []unit {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	assert.NilError(t, err)
	var all []unit
	fenced := false
	for _, paragraph := range regexp.MustCompile(`\n(?:[ ]*\n)+`).Split(string(text), -1) {
		var block, prose strings.Builder
		isBlock := strings.HasPrefix(paragraph, "    ") // else what is indented goes on with its list
		for line := range strings.Lines(paragraph + "\n") {
			switch {
			case strings.HasPrefix(strings.TrimSpace(line), "```"):
				fenced = !fenced
			case fenced:
			case isBlock:
				block.WriteString(strings.TrimPrefix(line, "    "))
			default:
				prose.WriteString(line)
			}
		}
		for _, match := range span.FindAllStringSubmatch(prose.String(), -1) {
			all = append(all, unit{text: strings.ReplaceAll(match[1], "\n", " "), within: true})
		}
		switch text := dedented(block.String()); {
		case text == "" || other.MatchString(text):
		case begins.MatchString(text):
			all = append(all, unit{text: text})
		default:
			t.Errorf("%s: is this for a shell?\n%s", path, text)
		}
	}
	return all
}

// dedented is a block without the indentation of its list and the answers that it shows.
func dedented(block string) string {
	if block == "" {
		return ""
	}
	least := len(indent.FindString(block))
	if !strings.HasPrefix(block, " ") {
		least = 0
	}
	var b strings.Builder
	prompt := strings.HasPrefix(block[least:], "$ ")
	for line := range strings.Lines(block) {
		line = line[min(least, len(line)-len(strings.TrimLeft(line, " "))):]
		command, isCommand := strings.CutPrefix(line, "$ ")
		if prompt && !isCommand || b.Len() > 0 && strings.HasPrefix(line, `{"`) {
			continue // the answer
		}
		b.WriteString(command)
	}
	return b.String()
}
