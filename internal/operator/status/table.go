package status

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tokenrefresh/internal/operator/health"
	"tokenrefresh/internal/operator/terminal"
)

// Style is how a table looks.
type Style struct {
	Width  int // of a line
	Height int // most lines of the table; 0: any number
	// Fit leaves columns out, and shortens names, until a row fits into Width. Without it a row is
	// as long as it needs to be.
	Fit    bool
	Colour bool
}

// heads are the columns.
var heads = []string{"PROVIDER", "ACCOUNT", "OUTCOME", "ACCESS", "REFRESH", "SUCCESS", "NEXT"}

// gap is the space between two columns.
const gap = "  "

// Table is the report for people: a row for each credential, the worst first, and below it what is
// wrong and what to do. Commands are never broken, so that they can be copied.
func (r Report) Table(style Style) string {
	shown := slices.Clone(r.Credentials)
	slices.SortStableFunc(shown, func(a, b Credential) int { return b.State.Worse(a.State) })
	rows := [][]string{heads}
	for _, c := range shown {
		rows = append(rows, c.cells())
	}
	widths := style.widths(rows)
	var b strings.Builder
	style.row(&b, rows[0], widths, terminal.Plain)
	end := r.summary()
	for i, c := range shown {
		var one strings.Builder
		style.row(&one, rows[i+1], widths, colours[c.State])
		for _, f := range c.Findings {
			style.finding(&one, f)
		}
		if i > 0 && style.full(b.String(), one.String(), len(shown)-i-1, end) {
			fmt.Fprintf(&b, "… %d more: see --only, or tokenctl status without --watch\n", len(shown)-i)
			break
		}
		b.WriteString(one.String())
	}
	return b.String() + end
}

// full reports whether the next part of a table exceeds its height, with others after it and a line
// at the end.
func (s Style) full(before, next string, after int, end string) bool {
	lines := strings.Count(before+next+end, "\n")
	if after > 0 {
		lines++ // to say how many more there are
	}
	return s.Height > 0 && lines > s.Height
}

// summary counts the states, for more than a handful of credentials; else it is empty.
func (r Report) summary() string {
	const handful = 5
	total := 0
	var counts []string
	for _, state := range []health.State{health.Act, health.Warn, health.OK} {
		if n := r.counts[state]; n > 0 {
			total += n
			counts = append(counts, fmt.Sprintf("%d %s", n, state))
		}
	}
	if total <= handful {
		return ""
	}
	return fmt.Sprintf("%d credentials: %s\n", total, strings.Join(counts, ", "))
}

// expendable are the columns to leave out if there is no room for all.
var expendable = []string{"SUCCESS", "REFRESH", "NEXT"}

// widths are the columns' widths; a column of width 0 is left out.
func (s Style) widths(rows [][]string) []int {
	widths := make([]int, len(heads))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	if !s.Fit {
		return widths
	}
	excess := func() int {
		line := -len(gap)
		for _, width := range widths {
			if width > 0 {
				line += width + len(gap)
			}
		}
		return line - s.Width
	}
	for _, head := range expendable {
		if excess() > 0 {
			widths[slices.Index(heads, head)] = 0
		}
	}
	const least = 8 // of an account's name
	account := slices.Index(heads, "ACCOUNT")
	widths[account] = max(widths[account]-max(0, excess()), min(least, widths[account]))
	return widths
}

func (c Credential) cells() []string {
	next := "-"
	if c.NextAttemptIn != nil {
		next = until(*c.NextAttemptIn, "now")
	}
	if c.Transactions != nil && c.Transactions.Due > 0 {
		next += fmt.Sprintf(", %s due", health.Count{N: c.Transactions.Due, More: c.Transactions.More})
	}
	success := "never"
	if c.LastSuccessIn != nil {
		success = ago(*c.LastSuccessIn)
	}
	return []string{
		c.Provider, terminal.Visible(c.Account), cmp.Or(terminal.Visible(string(c.Outcome)), "-"), end(c.AccessExpiresIn),
		end(c.RefreshExpiresIn), success, next,
	}
}

// end is when a token ends.
func end(in *int64) string {
	switch {
	case in == nil:
		return "-"
	case *in <= 0:
		return "expired " + ago(*in)
	}
	return until(*in, "")
}

// until is how far away a time is, or otherwise if it is past.
func until(in int64, otherwise string) string {
	if in <= 0 {
		return otherwise
	}
	return health.Short(time.Duration(in) * time.Second)
}

func ago(in int64) string { return health.Short(time.Duration(max(0, -in))*time.Second) + " ago" }

var colours = map[health.State]terminal.Colour{health.OK: terminal.Green, health.Warn: terminal.Yellow, health.Act: terminal.Red}

func (s Style) paint(c terminal.Colour, text string) string {
	if !s.Colour {
		return text
	}
	return c.Paint(text)
}

// outcomeColumn is the coloured column.
const outcomeColumn = 2

func (s Style) row(b *strings.Builder, cells []string, widths []int, colour terminal.Colour) {
	padding := ""
	for i, cell := range cells {
		if widths[i] == 0 {
			continue
		}
		if letters := []rune(cell); len(letters) > widths[i] {
			cell = string(letters[:widths[i]-1]) + "…"
		}
		b.WriteString(padding)
		padding = strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)) + gap
		if i == outcomeColumn {
			cell = s.paint(colour, cell)
		}
		b.WriteString(cell)
	}
	b.WriteString("\n")
}

// finding writes what is wrong, and what to do about it.
func (s Style) finding(b *strings.Builder, f health.Finding) {
	const indent = 8
	label := func(text string) string { return fmt.Sprintf("%-*s", indent, gap+text) }
	b.WriteString(terminal.Hang(s.paint(colours[f.State], label(string(f.State))), f.Cause, indent, s.Width))
	if f.Mend == "" {
		return
	}
	mend := f.Mend
	if len(f.Commands) > 0 {
		mend += ":"
	}
	b.WriteString(terminal.Hang(label("do"), mend, indent, s.Width))
	for _, command := range f.Commands {
		fmt.Fprintf(b, "%s%s\n", label(""), terminal.Visible(command))
	}
}

// Line is the report in one line, for a log: when, the worst state, and what is not well.
func (r Report) Line() string {
	line := fmt.Sprintf("%s %s", r.At.Format(time.RFC3339), r.State)
	for _, c := range r.Credentials {
		if c.State != health.OK {
			line += fmt.Sprintf(" %s/%s=%s", c.Provider, c.Account, c.Condition)
		}
	}
	return terminal.Visible(line)
}
