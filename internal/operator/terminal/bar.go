package terminal

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// barEvery is how often the bar is drawn.
const barEvery = 100 * time.Millisecond

// lineEvery is how often a line is written if there is no terminal for a bar.
const lineEvery = 10 * time.Second

// Bar is a progress bar, or an occasional line without a terminal.
type Bar struct {
	out  io.Writer
	what string
	most int64
	last time.Time                // of a line
	bar  *progressbar.ProgressBar // nil: none
}

// NewBar draws a bar of so many bytes on out, if that is a terminal. most of -1: their number is
// not known.
func NewBar(out io.Writer, what string, most int64) *Bar {
	b := &Bar{out: out, what: what, most: most, last: time.Now()}
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
	switch now := time.Now(); {
	case b.bar != nil:
		_ = b.bar.Set64(done)
	case now.Sub(b.last) < lineEvery:
	case b.most > 0:
		b.last = now
		b.Say("%s: %d %%, %d of %d bytes", b.what, 100*done/b.most, done, b.most)
	default:
		b.last = now
		b.Say("%s: %d bytes", b.what, done)
	}
}

// Say writes a line above the bar.
func (b *Bar) Say(format string, args ...any) {
	if b.bar != nil {
		_ = b.bar.Clear()
	}
	_, _ = fmt.Fprintf(b.out, format+"\n", args...)
}

// End removes the bar.
func (b *Bar) End() {
	if b.bar != nil {
		_ = b.bar.Clear()
	}
}
