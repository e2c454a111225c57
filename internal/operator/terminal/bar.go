package terminal

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// barEvery is how often the bar is drawn.
const barEvery = 100 * time.Millisecond

// Bar is a progress bar, and nothing where there is no terminal.
type Bar struct {
	out io.Writer
	bar *progressbar.ProgressBar // nil: none
}

// NewBar draws a bar of so many bytes on out, if that is a terminal. most of -1: it is
// not known how many come.
func NewBar(out io.Writer, what string, most int64) *Bar {
	b := &Bar{out: out}
	if Is(out) {
		b.bar = progressbar.NewOptions64(most,
			progressbar.OptionSetWriter(out), progressbar.OptionSetDescription(what),
			progressbar.OptionThrottle(barEvery), progressbar.OptionFullWidth(), progressbar.OptionClearOnFinish(),
		)
	}
	return b
}

// Set moves the bar.
func (b *Bar) Set(done int64) {
	if b.bar != nil {
		_ = b.bar.Set64(done)
	}
}

// Say writes a line above the bar.
func (b *Bar) Say(format string, args ...any) {
	if b.bar != nil {
		_ = b.bar.Clear()
	}
	_, _ = fmt.Fprintf(b.out, format+"\n", args...)
}

// End takes the bar away.
func (b *Bar) End() {
	if b.bar != nil {
		_ = b.bar.Clear()
	}
}
