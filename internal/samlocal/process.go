package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// startLimit is what a server gets to start on a busy machine.
	startLimit = 2 * time.Minute
	// stopLimit is what it gets to end by itself.
	stopLimit = 20 * time.Second
)

// server is a child process that serves until it is stopped.
type server struct {
	name  string
	cmd   *exec.Cmd
	said  output
	ended chan struct{} // closed when the process has ended
}

// start starts a program, and waits until it prints a line that holds ready.
func start(ctx context.Context, ready, program string, args ...string) (*server, error) {
	s := &server{name: strings.Join(append([]string{program}, args[:min(1, len(args))]...), " "), ended: make(chan struct{})}
	//nolint:noctx // stop ends it, in a way that lets it clean up
	s.cmd = exec.Command(program, args...)
	s.cmd.Env, s.cmd.Stdout, s.cmd.Stderr = environment(), &s.said, &s.said
	s.cmd.SysProcAttr = apart()
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(s.ended)
		_ = s.cmd.Wait()
	}()
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if err := s.await(ctx, ready); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

func (s *server) await(ctx context.Context, ready string) error {
	for tick := time.Tick(50 * time.Millisecond); !strings.Contains(s.said.text(), ready); {
		select {
		case <-tick:
		case <-s.ended:
			if !strings.Contains(s.said.text(), ready) {
				return fmt.Errorf("%s ended at its start: %s\n%s", s.name, cause(s.said.text()), lastLines(s.said.text(), 20))
			}
		case <-ctx.Done():
			return fmt.Errorf("%s did not start: %w: %s\n%s", s.name, ctx.Err(), cause(s.said.text()), lastLines(s.said.text(), 20))
		}
	}
	return nil
}

// cause is the line of a program's log that says why it did not start. It is the last one,
// except where Docker waits for containerd: then it is what containerd said first.
func cause(said string) string {
	for line := range strings.Lines(said) {
		if strings.HasPrefix(line, "containerd: ") {
			return strings.TrimSpace(line)
		}
	}
	return lastLines(said, 1)
}

// stop interrupts the process and its children, and kills those that stay.
func (s *server) stop() {
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGINT)
	select {
	case <-s.ended:
	case <-time.After(stopLimit):
	}
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
	<-s.ended
}

// output collects what a process prints.
type output struct {
	mu  sync.Mutex
	all bytes.Buffer
}

// Write implements io.Writer.
func (o *output) Write(text []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.Write(text)
}

func (o *output) text() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.String()
}
