package refresh

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Arrows lists all arrows of the code, as docs/protocol.md draws them, with the single
// arrows from stage to stage that each stands for.
func Arrows() map[string][]string {
	all := map[string][]string{}
	for e, leads := range arrows {
		for _, a := range leads {
			drawn := fmt.Sprintf("%s --> %s: %s", a.from.name, a.to.name, e)
			for _, from := range a.from.stages {
				for _, to := range a.to.stages {
					all[drawn] = append(all[drawn], fmt.Sprintf("%s --> %s: %s", from, to, e))
				}
			}
		}
	}
	return all
}

var (
	drawnArrow = regexp.MustCompile(`(?m)^    (\w+) --> (\w+): (.*)$`)
	drawnGroup = regexp.MustCompile(`(?s)    state (\w+) \{\n(.*?)\n    \}`)
	drawnStage = regexp.MustCompile(`(?m)^ +(?:state "[^"]*" as (\w+)|(\w+))$`)
	drawnWhen  = regexp.MustCompile(` \([^)]*\)`) // when an arrow is taken
)

// The diagram and the code have the same stages, groups and arrows, and the table beneath explains
// each arrow.
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
	drawn := map[string]bool{}
	for _, m := range drawnArrow.FindAllStringSubmatch(diagram, -1) {
		for name := range strings.SplitSeq(drawnWhen.ReplaceAllString(m[3], ""), ", ") {
			drawn[m[1]+" --> "+m[2]+": "+name] = true
		}
	}
	for a := range Arrows() {
		if !drawn[a] {
			t.Errorf("the code goes %s, docs/protocol.md does not draw it", a)
		}
		delete(drawn, a)
	}
	for a := range drawn {
		t.Errorf("docs/protocol.md draws %s, the code does not go there", a)
	}

	for e := range arrows {
		if row := fmt.Sprintf("\n| **%s** | ", e); strings.Count(rest, row) != 1 {
			t.Errorf("the table beneath the diagram does not explain %q once", e)
		}
	}

	groups := map[string][]Stage{}
	for _, m := range drawnGroup.FindAllStringSubmatch(diagram, -1) {
		groups[m[1]] = stagesIn(m[2])
	}
	for _, g := range []place{idle, person} {
		if !slices.Equal(groups[g.name], g.stages) {
			t.Errorf("the group %s holds %v, drawn are %v", g.name, g.stages, groups[g.name])
		}
	}
	stages := stagesIn(diagram)
	slices.Sort(stages)
	if want := slices.Sorted(slices.Values(Stages)); !slices.Equal(stages, want) {
		t.Errorf("the stages are %v, drawn are %v", want, stages)
	}
}

// stagesIn lists the stages that a part of the diagram declares.
func stagesIn(diagram string) []Stage {
	var all []Stage
	for _, m := range drawnStage.FindAllStringSubmatch(diagram, -1) {
		all = append(all, Stage(m[1]+m[2]))
	}
	return all
}
