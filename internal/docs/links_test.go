package docs_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
)

var mention = regexp.MustCompile(`(?:docs/[A-Za-z-]+|\b(?:README|CONTRIBUTING))\.(?:md|json)(?:#[a-z0-9_-]+)?`)

// Every link leads to an existing page and heading.
func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	all := documents(t)
	seen := 0
	for name, d := range all {
		for _, target := range d.links {
			if strings.Contains(target, "://") {
				continue
			}
			seen++
			file, anchor, _ := strings.Cut(target, "#")
			if file == "" {
				file = name
			} else {
				file = path.Join(path.Dir(name), file)
			}
			lead(t, all, name, file, anchor)
		}
	}
	assert.Check(t, seen >= 20, "only %d links seen", seen)
}

// Code, comments and the texts of alarms name documents too.
func TestMentionsLeadSomewhere(t *testing.T) {
	t.Parallel()
	all := documents(t)
	seen := 0
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		switch name := entry.Name(); {
		case err != nil:
			return err
		case entry.IsDir() && (strings.HasPrefix(name, ".") && file != root || name == "testdata" || name == "node_modules"):
			return filepath.SkipDir
		case entry.IsDir(), !slices.Contains([]string{".go", ".yaml", ".toml", ".py", ".mjs"}, filepath.Ext(name)) && name != "Makefile":
			return nil
		}
		text, err := os.ReadFile(file)
		for _, found := range mention.FindAllString(string(text), -1) {
			seen++
			target, anchor, _ := strings.Cut(found, "#")
			lead(t, all, file, target, anchor)
		}
		return err
	})
	assert.Check(t, err == nil && seen >= 30, "%d mentions seen: %v", seen, err)
}

// lead checks that there is such a file, and such a heading in it.
func lead(t *testing.T, all map[string]document, from, file, anchor string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(root, file)); err != nil {
		t.Errorf("%s names %s: %v", from, file, err)
		return
	}
	if d, ok := all[file]; anchor != "" && (!ok || !d.anchors[anchor]) {
		t.Errorf("%s names %s#%s: there is no such heading", from, file, anchor)
	}
}
