package doctor

import (
	"fmt"
	"strings"

	"tokenrefresh/internal/operator/terminal"
)

var colours = map[Verdict]terminal.Colour{OK: terminal.Green, Warn: terminal.Yellow, Fail: terminal.Red}

// minColumn is the narrowest column that words are wrapped into.
const minColumn = 30

// Text is the report for people, wrapped to a width. Commands are on lines of their own, unbroken,
// so that they can be copied.
func (r Report) Text(width int, coloured bool) string {
	names, verdicts := 0, 0
	findings := fold(r.Findings)
	for _, f := range findings {
		names, verdicts = max(names, len(f.Check)), max(verdicts, len(f.Verdict))
	}
	indent := verdicts + 2 + names + 2
	wide := max(minColumn, width-indent)
	var b strings.Builder
	line := func(text string) { fmt.Fprintf(&b, "%*s%s\n", indent, "", text) }
	for _, f := range findings {
		verdict := fmt.Sprintf("%-*s", verdicts, f.Verdict)
		if coloured {
			verdict = colours[f.Verdict].Paint(verdict)
		}
		cause := terminal.Wrap(f.Cause, wide)
		fmt.Fprintf(&b, "%s  %-*s  %s\n", verdict, names, f.Check, cause[0])
		for _, more := range cause[1:] {
			line(more)
		}
		if f.Mend != "" {
			for i, more := range terminal.Wrap(f.Mend, wide-2) {
				line([]string{"→ ", "  "}[min(i, 1)] + more)
			}
		}
		for _, command := range f.Commands {
			line("  " + terminal.Visible(command))
		}
	}
	b.WriteString(r.summary())
	return b.String()
}

// fold makes one line of checks in a row that were skipped for the same reason.
func fold(all []Finding) []Finding {
	var folded []Finding
	for i := 0; i < len(all); {
		f, same := all[i], 1
		for f.Verdict == Skipped && i+same < len(all) && all[i+same].Verdict == Skipped && all[i+same].Cause == f.Cause {
			same++
		}
		if same > 1 {
			f.Check = fmt.Sprintf("%s and %d more", f.Check, same-1)
		}
		folded = append(folded, f)
		i += same
	}
	return folded
}

// summary counts the verdicts.
func (r Report) summary() string {
	counts := map[Verdict]int{}
	for _, f := range r.Findings {
		counts[f.Verdict]++
	}
	var parts []string
	for _, verdict := range []Verdict{OK, Warn, Fail, Skipped} {
		if counts[verdict] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[verdict], verdict))
		}
	}
	return strings.Join(parts, ", ")
}
