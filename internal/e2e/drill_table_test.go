package e2e_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"
)

var writeDrill = flag.Bool("drill", false, "write what TestDrill finds into docs/operations.md")

// The table lies between these lines of the document.
const (
	tableBegins = "<!-- make drill: begin -->\n"
	tableEnds   = "<!-- make drill: end -->\n"
)

func operations() string { return filepath.Join(root, "docs", "operations.md") }

// split returns the document before, in and after the table.
func split(t *testing.T) (before, table, after string) {
	t.Helper()
	text, err := os.ReadFile(operations())
	assert.NilError(t, err)
	before, rest, begins := strings.Cut(string(text), tableBegins)
	table, after, ends := strings.Cut(rest, tableEnds)
	assert.Assert(t, begins && ends, "%s: no lines %q and %q", operations(), tableBegins, tableEnds)
	return before, table, after
}

func writeTable(t *testing.T, found []finding) {
	t.Helper()
	var table strings.Builder
	table.WriteString("| outage | the first alarm | rings at | after | which is | then |\n|---|---|---|---|---|---|\n")
	for _, f := range found {
		rest := "–"
		if len(f.alarms) > 1 {
			rest = "`" + strings.Join(f.alarms[1:], "`, `") + "`"
		}
		fmt.Fprintf(&table, "| %s | `%s` | `%s` | %s | %s | %s |\n",
			f.calamity.name, f.alarms[0], f.crossing, spell(f.after), f.lead(), rest)
	}
	t.Log("\n" + table.String())
	before, _, after := split(t)
	assert.NilError(t, os.WriteFile(operations(), []byte(before+tableBegins+table.String()+tableEnds+after), 0o600))
}

// lead says how long before the end of the readers' token the first alarm rang.
func (f finding) lead() string {
	switch {
	case !f.ended:
		return "no token ended"
	case f.before < 0:
		return spell(-f.before) + " too late"
	default:
		return spell(f.before) + " before the token ends"
	}
}

// spell rounds to half a minute: what lies below is the machine's.
func spell(d time.Duration) string {
	d = d.Round(30 * time.Second)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", d.Minutes()), ".0") + " min"
	default:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
}

// The document tells of the outages that are drilled, with the alarms that ring for them.
func TestDrillIsDocumented(t *testing.T) {
	t.Parallel()
	_, table, _ := split(t)
	var got, want [][2]string
	for line := range strings.Lines(table) {
		columns := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(columns) == 6 && strings.Contains(line, "`") {
			got = append(got, [2]string{strings.TrimSpace(columns[0]), strings.Trim(strings.TrimSpace(columns[1]), "`")})
		}
	}
	for _, o := range calamities {
		want = append(want, [2]string{o.name, o.alarm})
	}
	assert.Check(t, is.DeepEqual(got, want), "run make drill")
}
