// Package docs holds the documents to what they tell of: links, alarms, outcomes,
// parameters, fields of the log. What they tell of commands is tested beside those.
package docs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
	"gotest.tools/v3/assert"
)

const root = "../.."

// document is one Markdown file.
type document struct {
	anchors map[string]bool     // of its headings, as GitHub makes them
	links   []string            // what they lead to
	blocks  map[string][]string // code by the word behind its fence; indented code under ""
}

// documents are the project's, by their paths from the root.
func documents(t *testing.T) map[string]document {
	t.Helper()
	all := map[string]document{}
	for _, pattern := range []string{"*.md", "docs/*.md"} {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		assert.NilError(t, err)
		for _, path := range paths {
			source, err := os.ReadFile(path)
			assert.NilError(t, err)
			name, err := filepath.Rel(root, path)
			assert.NilError(t, err)
			all[filepath.ToSlash(name)] = parse(t, source)
		}
	}
	assert.Assert(t, len(all) >= 5, "only %d documents", len(all))
	return all
}

func parse(t *testing.T, source []byte) document {
	t.Helper()
	d := document{anchors: map[string]bool{}, blocks: map[string][]string{}}
	tree := goldmark.DefaultParser().Parse(text.NewReader(source))
	assert.NilError(t, ast.Walk(tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			d.anchor(string(n.Lines().Value(source)))
		case *ast.Link:
			d.links = append(d.links, string(n.Destination))
		case *ast.CodeBlock:
			d.blocks[""] = append(d.blocks[""], string(n.Lines().Value(source)))
		case *ast.FencedCodeBlock:
			fence := string(n.Language(source))
			d.blocks[fence] = append(d.blocks[fence], string(n.Lines().Value(source)))
		}
		return ast.WalkContinue, nil
	}))
	return d
}

// anchor adds a heading's.
func (d document) anchor(title string) {
	slug := strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			return unicode.ToLower(r)
		}
		return -1
	}, title)
	name := slug
	for n := 1; d.anchors[name]; n++ {
		name = fmt.Sprintf("%s-%d", slug, n)
	}
	d.anchors[name] = true
}
