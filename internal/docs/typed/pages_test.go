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

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
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
	other = regexp.MustCompile(`^([\[{"│]|\S+ := |token = |const |def |with |Layers: |locals |resource |[A-Z]+ +[A-Z]+ |time  |(ok|fail) +\w|refresh token |\S+/ +\S|-|[a-z]+:[A-Z])`)
	span  = regexp.MustCompile(`^(aws|sam|make) `) // cmd/tokenctl tries those of tokenctl
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
	source, err := os.ReadFile(filepath.Join(root, path))
	assert.NilError(t, err)
	var all []unit
	tree := goldmark.DefaultParser().Parse(text.NewReader(source))
	assert.NilError(t, ast.Walk(tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		switch n.(type) {
		case *ast.CodeSpan:
			var words strings.Builder
			for word := n.FirstChild(); word != nil; word = word.NextSibling() {
				words.Write(word.(*ast.Text).Value(source))
			}
			if line := strings.ReplaceAll(words.String(), "\n", " "); entering && span.MatchString(line) {
				all = append(all, unit{text: line, within: true})
			}
		case *ast.CodeBlock: // and not a fenced one, which is for no shell
			for part := range strings.SplitSeq(string(n.Lines().Value(source)), "\n\n") {
				switch block := undressed(part); {
				case !entering || other.MatchString(block):
				case begins.MatchString(block):
					all = append(all, unit{text: block})
				default:
					t.Errorf("%s: is this for a shell?\n%s", path, block)
				}
			}
		}
		return ast.WalkContinue, nil
	}))
	return all
}

// undressed is a part of a block without its further indentation and the answers that it shows.
func undressed(block string) string {
	margin := block[:len(block)-len(strings.TrimLeft(block, " "))]
	var b strings.Builder
	prompt := strings.HasPrefix(block, margin+"$ ")
	for line := range strings.Lines(block) {
		command, isCommand := strings.CutPrefix(strings.TrimPrefix(line, margin), "$ ")
		if prompt && !isCommand || b.Len() > 0 && strings.HasPrefix(command, `{"`) {
			continue // the answer
		}
		b.WriteString(command)
	}
	return b.String()
}
