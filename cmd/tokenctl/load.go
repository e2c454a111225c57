package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"tokenrefresh/internal/operator/bulk"
	"tokenrefresh/internal/operator/terminal"
)

// loading are the flags of the verbs that store the lines of a file, and their words.
type loading struct {
	file    string
	restart bool

	doing          string
	stored, passed string // of a line that is stored, and of one that need not be
	because        string // follows passed, for people
}

func (l *loading) register(cmd *cobra.Command, usage string) {
	cmd.Flags().StringVar(&l.file, "file", "", usage+"; - is standard input")
	cmd.Flags().BoolVar(&l.restart, "restart", false, "begin the file again, whatever was "+l.stored+" of it before")
	_ = cmd.MarkFlagFilename("file")
}

// loaded is the JSON of a result.
type loaded struct {
	bulk.Summary
	*loading
}

// MarshalJSON implements json.Marshaler.
func (l loaded) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, `{"from_line":%d,"until_line":%d,%q:%d,%q:%d,"refused":%d,"failed":%d}`,
		l.From, l.Line, l.stored, l.Stored, l.passed, l.Passed, l.Refused, l.Failed), nil
}

// load stores the lines of a file and prints how many.
func load[R any](cmd *cobra.Command, o *options, l *loading, in text, lines *bulk.Load[R]) (bulk.Summary, error) {
	bar := terminal.NewBar(cmd.ErrOrStderr(), l.doing, in.size)
	lines.Text, lines.Progress, lines.Restart = in.ReadCloser, in.progress, l.restart
	lines.Refused, lines.Moved = func(line int, err error) { bar.Say("line %d: %v", line, err) }, bar.Set
	s, err := lines.Run(cmd.Context())
	bar.End()
	if err != nil {
		return s, err
	}
	err = o.print(cmd, loaded{s, l}, fmt.Sprintf("lines %d to %d: %d %s, %d %s%s, %d refused, %d not stored",
		s.From, s.Line, s.Stored, l.stored, s.Passed, l.passed, l.because, s.Refused, s.Failed))
	switch {
	case err != nil:
	case s.Failed > 0:
		err = fmt.Errorf("%w: run the same command again for those that were not stored", errPartly)
	case s.Refused > 0:
		err = fmt.Errorf("%w: correct the lines that were refused and give them again", errPartly)
	}
	return s, err
}
