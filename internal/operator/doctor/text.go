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
	width = max(width, indent+minColumn)
	var b strings.Builder
	for _, f := range findings {
		verdict := fmt.Sprintf("%-*s", verdicts, f.Verdict)
		if coloured {
			verdict = colours[f.Verdict].Paint(verdict)
		}
		b.WriteString(terminal.Hang(fmt.Sprintf("%s  %-*s  ", verdict, names, f.Check), f.Cause, indent, width))
		if f.Mend != "" {
			b.WriteString(terminal.Hang(fmt.Sprintf("%*s→ ", indent, ""), f.Mend, indent+2, width))
		}
		for _, command := range f.Commands {
			fmt.Fprintf(&b, "%*s%s\n", indent+2, "", terminal.Visible(command))
		}
	}
	counts := map[Verdict]int{}
	for _, f := range r.Findings {
		counts[f.Verdict]++
	}
	var summary []string
	for _, verdict := range []Verdict{OK, Warn, Fail, Skipped} {
		if counts[verdict] > 0 {
			summary = append(summary, fmt.Sprintf("%d %s", counts[verdict], verdict))
		}
	}
	return b.String() + strings.Join(summary, ", ")
}

// fold makes one line of checks in a row that were skipped for the same reason.
func fold(all []Finding) []Finding {
	var folded []Finding
	for i := 0; i < len(all); {
		f, next := all[i], i+1
		for f.Verdict == Skipped && next < len(all) && all[next].Verdict == Skipped && all[next].Cause == f.Cause {
			next++
		}
		if same := next - i; same > 1 {
			f.Check = fmt.Sprintf("%s and %d more", f.Check, same-1)
		}
		folded, i = append(folded, f), next
	}
	return folded
}
