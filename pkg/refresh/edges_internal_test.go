package refresh

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Arrows lists all arrows of the code as "from --> to: edge", for the tests outside.
func Arrows() []string {
	var all []string
	for _, e := range edges {
		for to, froms := range e.to {
			for _, from := range froms {
				all = append(all, string(from)+" --> "+string(to)+": "+e.name)
			}
		}
	}
	slices.Sort(all)
	return all
}

// arrow is one of the diagram: from, to, the names of its edges. Whatever follows in
// parentheses says when.
var arrow = regexp.MustCompile(`(?m)^    (\w+) --> (\w+): (.*)$`)

// The diagram and the code have the same stages and the same arrows.
func TestDiagram(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "stateDiagram-v2\n")
	diagram, _, _ := strings.Cut(rest, "```")
	if !found {
		t.Fatal("docs/protocol.md has no diagram")
	}
	parentheses := regexp.MustCompile(` \([^)]*\)`)
	drawn := map[string]bool{}
	met := map[string]bool{}
	for _, m := range arrow.FindAllStringSubmatch(diagram, -1) {
		met[m[1]], met[m[2]] = true, true
		for name := range strings.SplitSeq(parentheses.ReplaceAllString(m[3], ""), ", ") {
			drawn[m[1]+" --> "+m[2]+": "+name] = true
		}
	}
	for _, a := range Arrows() {
		if !drawn[a] {
			t.Errorf("the code goes %s, docs/protocol.md does not draw it", a)
		}
		delete(drawn, a)
	}
	for a := range drawn {
		t.Errorf("docs/protocol.md draws %s, the code does not go there", a)
	}
	for _, s := range Stages {
		if !met[string(s)] {
			t.Errorf("docs/protocol.md does not draw the stage %s", s)
		}
	}
}
