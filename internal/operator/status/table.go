package status

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"tokenrefresh/internal/operator/health"
	"tokenrefresh/internal/operator/terminal"
)

// Style is how a table looks.
type Style struct {
	Width  int // of a line
	Colour bool
}

// heads are the columns.
var heads = []string{"PROVIDER", "ACCOUNT", "OUTCOME", "ACCESS", "REFRESH", "SUCCESS", "NEXT"}

// gap is what lies between two columns.
const gap = "  "

// Table is the report for people: a row each, and below it what is the matter with it and
// what to do. Commands are never broken, so that they can be copied.
func (r Report) Table(style Style) string {
	rows := [][]string{heads}
	for _, c := range r.Credentials {
		rows = append(rows, c.cells())
	}
	widths := make([]int, len(heads))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	style.row(&b, rows[0], widths, terminal.Plain)
	for i, c := range r.Credentials {
		style.row(&b, rows[i+1], widths, colourOf(c.State))
		for _, f := range c.Findings {
			style.finding(&b, f)
		}
	}
	return b.String()
}

func (c Credential) cells() []string {
	next := "-"
	if c.NextAttemptIn != nil {
		next = until(*c.NextAttemptIn, "now")
	}
	if c.Transactions != nil && c.Transactions.Due > 0 {
		due := health.Transactions{Due: c.Transactions.Due, More: c.Transactions.More}
		next += ", " + due.Count() + " due"
	}
	success := "never"
	if c.LastSuccessIn != nil {
		success = ago(*c.LastSuccessIn)
	}
	return []string{
		c.Provider, terminal.Visible(c.Account), orDash(terminal.Visible(string(c.Outcome))), end(c.AccessExpiresIn),
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

// until is a time to come, and otherwise where it is past.
func until(in int64, otherwise string) string {
	if in <= 0 {
		return otherwise
	}
	return health.Short(time.Duration(in) * time.Second)
}

func ago(in int64) string { return health.Short(time.Duration(max(0, -in))*time.Second) + " ago" }

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func colourOf(s health.State) terminal.Colour {
	switch s {
	case health.Act:
		return terminal.Red
	case health.Warn:
		return terminal.Yellow
	case health.OK:
	}
	return terminal.Green
}

func (s Style) paint(c terminal.Colour, text string) string {
	if !s.Colour {
		return text
	}
	return c.Paint(text)
}

// outcomeColumn is the one that is coloured.
const outcomeColumn = 2

func (s Style) row(b *strings.Builder, cells []string, widths []int, colour terminal.Colour) {
	for i, cell := range cells {
		padding := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
		if i == outcomeColumn {
			cell = s.paint(colour, cell)
		}
		if i == len(cells)-1 {
			b.WriteString(cell + "\n")
			return
		}
		b.WriteString(cell + padding + gap)
	}
}

// finding writes what is the matter, and what to do about it.
func (s Style) finding(b *strings.Builder, f health.Finding) {
	const indent = "        "
	label := func(text string) string { return (gap + text + indent)[:len(indent)] }
	lines := terminal.Wrap(f.Cause, s.Width-len(indent))
	for i, line := range lines {
		if i == 0 {
			b.WriteString(s.paint(colourOf(f.State), label(string(f.State))) + line + "\n")
			continue
		}
		b.WriteString(indent + line + "\n")
	}
	if f.Mend == "" {
		return
	}
	mend := f.Mend
	if len(f.Commands) > 0 {
		mend += ":"
	}
	for i, line := range terminal.Wrap(mend, s.Width-len(indent)) {
		if i == 0 {
			b.WriteString(label("do") + line + "\n")
			continue
		}
		b.WriteString(indent + line + "\n")
	}
	for _, command := range f.Commands {
		b.WriteString(indent + terminal.Visible(command) + "\n")
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
