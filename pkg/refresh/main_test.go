package refresh_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"tokenrefresh/pkg/refresh"
	rt "tokenrefresh/pkg/refresh/refreshtest"
)

// TestMain checks that the tests have taken every arrow of the diagram, if all of them ran: an
// arrow that no row takes does not exist.
func TestMain(m *testing.M) {
	code := m.Run()
	filtered := flag.Lookup("test.run").Value.String() != "" || flag.Lookup("test.skip").Value.String() != ""
	if code == 0 && !filtered && thin == 1 {
		code = missed()
	}
	os.Exit(code)
}

func missed() int {
	walked := map[string]bool{}
	for _, e := range rt.Walked() {
		walked[walk(e)] = true
	}
	code := 0
	for drawn, singles := range refresh.Arrows() {
		byDueNow := strings.HasSuffix(drawn, ": make due") // which needs no engine
		if !byDueNow && !slices.ContainsFunc(singles, func(a string) bool { return walked[a] }) {
			fmt.Println("no test went along the arrow", drawn)
			code = 1
		}
	}
	return code
}

// drawn are the single arrows of the code, which TestDiagram compares with
// docs/protocol.md.
var drawn = slices.Concat(slices.Collect(maps.Values(refresh.Arrows()))...)

func walk(e rt.Edge) string { return fmt.Sprintf("%s --> %s: %s", e.From, e.To, e.Name) }
