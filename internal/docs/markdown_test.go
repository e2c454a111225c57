// Package docs holds the documents to what they tell of: links, alarms, outcomes,
// parameters, fields of the log. What they tell of commands is tested beside those.
package docs_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"gotest.tools/v3/assert"
)

const root = "../.."

// document is one Markdown file.
type document struct {
	path    string              // from the root
	anchors map[string]bool     // of its headings, as GitHub makes them
	prose   string              // without its code
	blocks  map[string][]string // code by the word behind its fence; indented code under ""
}

var (
	heading  = regexp.MustCompile(`^#{1,6} (.*)$`)
	codeSpan = regexp.MustCompile("`[^`\n]*(?:\n[^`\n]+)*`") // it may go on in the next line of its paragraph
)

// documents are the project's.
func documents(t *testing.T) map[string]document {
	t.Helper()
	all := map[string]document{}
	for _, pattern := range []string{"*.md", "docs/*.md"} {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		assert.NilError(t, err)
		for _, path := range paths {
			text, err := os.ReadFile(path)
			assert.NilError(t, err)
			name, err := filepath.Rel(root, path)
			assert.NilError(t, err)
			all[filepath.ToSlash(name)] = parse(filepath.ToSlash(name), string(text))
		}
	}
	assert.Assert(t, len(all) >= 5, "only %v found", slices.Collect(maps.Keys(all)))
	return all
}

func parse(path, text string) document {
	d := document{path: path, anchors: map[string]bool{}, blocks: map[string][]string{}}
	var prose, code strings.Builder
	fence, fenced := "", false
	end := func() {
		if code.Len() > 0 {
			d.blocks[fence] = append(d.blocks[fence], code.String())
			code.Reset()
		}
	}
	for line := range strings.Lines(text) {
		word, isFence := strings.CutPrefix(strings.TrimSpace(line), "```")
		indented, isIndented := strings.CutPrefix(line, "    ")
		switch {
		case isFence:
			end()
			fence, fenced = word, !fenced
			if !fenced {
				fence = ""
			}
		case fenced:
			code.WriteString(line)
		case isIndented:
			code.WriteString(indented)
		default:
			end()
			prose.WriteString(line)
			if match := heading.FindStringSubmatch(strings.TrimSpace(line)); match != nil {
				d.anchor(match[1])
			}
		}
	}
	end()
	d.prose = codeSpan.ReplaceAllString(prose.String(), "")
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
