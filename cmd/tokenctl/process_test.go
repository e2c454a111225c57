package main

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gotest.tools/v3/assert"
)

// patience is how long a test waits for a process.
const patience = 30 * time.Second

// process is the command as a process of its own.
type process struct {
	*exec.Cmd
	said screen
}

// start starts the command on the home. It is killed with the test.
func (w *world) start(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	self, err := os.Executable()
	assert.NilError(t, err)
	if args[0] == "run" && !slices.Contains(args, "--listen") { // many run side by side
		args = append(args, "--listen=")
	}
	p := &process{Cmd: exec.Command(self, append(args, w.flags...)...)}
	p.Env = append(append(os.Environ(), "GORACE=atexit_sleep_ms=0"), env...) // the race detector's own end takes a second
	p.Stdout, p.Stderr = &p.said, &p.said
	assert.NilError(t, p.Start())
	t.Cleanup(func() {
		if p.ProcessState == nil {
			_ = p.Process.Kill()
			_ = p.Wait()
		}
	})
	return p
}

// await waits for a line, after those of earlier calls, that contains all parts.
func (p *process) await(t *testing.T, parts ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	assert.Assert(t, p.said.await(ctx, parts), "no further line with %q:\n%s", parts, p.said.text())
}

func (p *process) signal(t *testing.T, which os.Signal) {
	t.Helper()
	assert.NilError(t, p.Process.Signal(which))
}

// ended waits for the end, and checks the exit code or the signal.
func (p *process) ended(t *testing.T, code int, by syscall.Signal) {
	t.Helper()
	giveUp := time.AfterFunc(patience, func() { _ = p.Process.Signal(syscall.SIGABRT) }) // which shows its stacks
	defer giveUp.Stop()
	_ = p.Wait()
	status := p.ProcessState.Sys().(syscall.WaitStatus)
	if p.ProcessState.ExitCode() != code || status.Signaled() && status.Signal() != by {
		t.Fatalf("it ends with %v:\n%s", p.ProcessState, p.said.text())
	}
}

// stops sends a signal, on which the process ends well.
func (p *process) stops(t *testing.T, which os.Signal) {
	t.Helper()
	p.signal(t, which)
	p.ended(t, exitDone, 0)
}

// killed is ended's exit code for a process that a signal has ended.
const killed = -1

// screen collects the output of a process.
type screen struct {
	mu      sync.Mutex
	all     strings.Builder
	read    int           // of it, by await
	changed chan struct{} // closed at the next write
}

func (s *screen) Write(text []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
	return s.all.Write(text)
}

func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.String()
}

func (s *screen) await(ctx context.Context, parts []string) bool {
	for {
		found, changed := s.find(parts)
		if found {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// find looks for the line in the unread output, or returns when to look again.
func (s *screen) find(parts []string) (bool, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.read
	for line := range strings.Lines(s.all.String()[s.read:]) {
		at += len(line)
		missing := 0
		for _, part := range parts {
			if !strings.Contains(line, part) {
				missing++
			}
		}
		if missing == 0 && strings.HasSuffix(line, "\n") {
			s.read = at
			return true, nil
		}
	}
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return false, s.changed
}
