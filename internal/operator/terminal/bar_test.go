package terminal_test

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/operator/terminal"
)

// Without a terminal there is an occasional line, for a log.
func TestBarWithoutATerminal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		bar, unknown := terminal.NewBar(&out, "recording", 200), terminal.NewBar(&out, "seeding", -1)
		for done := int64(1); done <= 25; done++ {
			time.Sleep(time.Second) // of the bubble
			bar.Set(done)
			unknown.Set(done)
		}
		bar.End()
		const want = "recording: 5 %, 10 of 200 bytes\nseeding: 10 bytes\nrecording: 10 %, 20 of 200 bytes\nseeding: 20 bytes\n"
		assert.Check(t, out.String() == want, "%s", out.String())
	})
}
