package e2e_test

import (
	"syscall"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/sandbox"
)

// A process that stands still while the provider answers (a laptop's lid, a snapshot, a
// container freezer) finds its time over and the answer in its socket. It is read.
func TestFrozenProcessLosesNoReply(t *testing.T) {
	t.Parallel()
	w := sharedWorld(t, nil)
	eachChain(t, func(t *testing.T, provider sandbox.Provider, _ time.Duration) {
		c := w.credential(t, provider, "frozen", sandbox.Options{})
		c.seed(t, nil)
		f := c.startWith(t, map[string]string{"HTTP_TIMEOUT": "1s"})
		f.want(t, f.tick, "logged_in")
		for range 3 {
			c.whenActed(sandbox.Refresh, func() { f.freeze(t, 2*time.Second) })
			f.want(t, c.force(), "refreshed")
			c.checkLive(t)
			c.checkSound(t)
		}
	})
}

// freeze stops the function's process, and lets it go on after so long.
func (f *function) freeze(t *testing.T, d time.Duration) {
	t.Helper()
	pid := f.Process().PID
	assert.Check(t, syscall.Kill(pid, syscall.SIGSTOP))
	time.AfterFunc(d, func() { _ = syscall.Kill(pid, syscall.SIGCONT) })
}
