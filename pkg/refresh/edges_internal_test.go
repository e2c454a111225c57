package refresh

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
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
	assert.NilError(t, err)
	_, rest, found := strings.Cut(string(text), "stateDiagram-v2\n")
	diagram, _, _ := strings.Cut(rest, "```")
	assert.Assert(t, found, "docs/protocol.md has no diagram")
	drawn := map[string]bool{}
	for _, m := range drawnArrow.FindAllStringSubmatch(diagram, -1) {
		for name := range strings.SplitSeq(drawnWhen.ReplaceAllString(m[3], ""), ", ") {
			drawn[m[1]+" --> "+m[2]+": "+name] = true
		}
	}
	for a := range Arrows() {
		assert.Check(t, drawn[a], "the code goes %s, docs/protocol.md does not draw it", a)
		delete(drawn, a)
	}
	for a := range drawn {
		t.Errorf("docs/protocol.md draws %s, the code does not go there", a)
	}

	for e := range arrows {
		assert.Equal(t, strings.Count(rest, fmt.Sprintf("\n| **%s** | ", e)), 1)
	}

	groups := map[string][]Stage{}
	for _, m := range drawnGroup.FindAllStringSubmatch(diagram, -1) {
		groups[m[1]] = stagesIn(m[2])
	}
	for _, g := range []place{idle, person} {
		assert.DeepEqual(t, groups[g.name], g.stages)
	}
	stages := stagesIn(diagram)
	slices.Sort(stages)
	assert.DeepEqual(t, stages, slices.Sorted(slices.Values(Stages)))
}

// stagesIn lists the stages that a part of the diagram declares.
func stagesIn(diagram string) []Stage {
	var all []Stage
	for _, m := range drawnStage.FindAllStringSubmatch(diagram, -1) {
		all = append(all, Stage(m[1]+m[2]))
	}
	return all
}
