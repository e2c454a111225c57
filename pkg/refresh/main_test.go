package refresh_test

import (
	"flag"
	"fmt"
	"os"
	"testing"

	rt "tokenrefresh/pkg/refresh/refreshtest"
)

// TestMain looks whether the tests have gone along every arrow of the diagram, if all of
// them ran: an arrow that no row ever takes is none.
func TestMain(m *testing.M) {
	code := m.Run()
	filtered := flag.Lookup("test.run").Value.String() != "" || flag.Lookup("test.skip").Value.String() != ""
	if code == 0 && !filtered && thin == 1 {
		code = missed()
	}
	os.Exit(code)
}

func missed() int {
	walked := map[string]bool{"none --> ok: make due": true, "ok --> ok: make due": true} // by DueNow, without an engine
	for _, e := range rt.Walked() {
		walked[arrow(e)] = true
	}
	code := 0
	for _, a := range arrows {
		if !walked[a] {
			fmt.Println("no test went along the arrow", a)
			code = 1
		}
	}
	return code
}

func arrow(e rt.Edge) string { return fmt.Sprintf("%s --> %s: %s", e.From, e.To, e.Name) }
