package doctor

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// colours of the verdicts, as a terminal takes them.
var colours = map[Verdict]string{OK: "\x1b[32m", Warn: "\x1b[33m", Fail: "\x1b[1;31m", Skipped: "\x1b[2m"}

// least is the narrowest column that words are wrapped into.
const least = 30

// Text is the report for people, wrapped to a width. Commands stand on lines of their own,
// whole, so that they can be copied.
func (r Report) Text(width int, coloured bool) string {
	names, verdicts := 0, 0
	for _, f := range r.Findings {
		names, verdicts = max(names, len(f.Check)), max(verdicts, len(f.Verdict))
	}
	indent := verdicts + 2 + names + 2
	wide := max(least, width-indent)
	var b strings.Builder
	line := func(text string) { fmt.Fprintf(&b, "%*s%s\n", indent, "", text) }
	for _, f := range r.Findings {
		verdict := fmt.Sprintf("%-*s", verdicts, f.Verdict)
		if coloured {
			verdict = colours[f.Verdict] + verdict + "\x1b[0m"
		}
		cause := wrap(f.Cause, wide)
		fmt.Fprintf(&b, "%s  %-*s  %s\n", verdict, names, f.Check, cause[0])
		for _, more := range cause[1:] {
			line(more)
		}
		if f.Mend != "" {
			for i, more := range wrap(f.Mend, wide-2) {
				line([]string{"→ ", "  "}[min(i, 1)] + more)
			}
		}
		for _, command := range f.Commands {
			line("  " + command)
		}
	}
	b.WriteString(r.summary())
	return b.String()
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

// wrap breaks a text at its spaces; never none.
func wrap(text string, width int) []string {
	lines := []string{""}
	for _, word := range strings.Fields(text) {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = word
		case utf8.RuneCountInString(*last)+1+utf8.RuneCountInString(word) > width:
			lines = append(lines, word)
		default:
			*last += " " + word
		}
	}
	return lines
}
