package runtimeapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// process is one life of the binary with a Runtime API of its own, so that nothing
// a dead process left on the wire reaches its successor.
type process struct {
	opts    Options
	cmd     *exec.Cmd
	server  *http.Server
	started time.Time

	readyOnce sync.Once
	ready     chan struct{} // closed when the process first asks for work
	init      time.Duration // valid once ready is closed
	initErr   chan *FunctionError

	calls   chan *call
	mu      sync.Mutex
	current *call

	exited  chan struct{} // closed when the process has ended and was waited for
	peakRSS atomic.Int64
}

func startProcess(ctx context.Context, o Options, logs *os.File) (*process, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the Runtime API: %w", err)
	}
	p := &process{
		opts:    o,
		ready:   make(chan struct{}),
		initErr: make(chan *FunctionError, 1),
		calls:   make(chan *call),
		exited:  make(chan struct{}),
	}
	p.server = &http.Server{Handler: p.routes(), ReadHeaderTimeout: time.Minute}

	// Not CommandContext: ctx ends with the caller's wait, the process lives on.
	p.cmd = exec.Command(o.Binary) //nolint:noctx // see above
	p.cmd.Env = o.environ(listener.Addr().String())
	p.cmd.Dir = filepath.Dir(o.Binary)
	p.cmd.Stdout, p.cmd.Stderr = logs, logs
	p.started = time.Now()
	go func() { _ = p.server.Serve(listener) }()
	if err := p.cmd.Start(); err != nil {
		_ = p.server.Close()
		return nil, fmt.Errorf("start the function: %w", err)
	}
	go func() {
		_ = p.cmd.Wait()
		_ = p.server.Close()
		close(p.exited)
	}()
	return p, nil
}

// awaitInit returns when the process asks for work. Its error is a *FunctionError
// where the process is at fault; the process is dead then.
func (p *process) awaitInit(ctx context.Context, timeout time.Duration) error {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-p.ready:
		return nil
	case e := <-p.initErr:
		p.kill()
		return e
	case <-p.exited:
		select {
		case e := <-p.initErr: // said why before it went
			return e
		default:
			return &FunctionError{Type: ExitError, Message: p.exitMessage()}
		}
	case <-timer.C:
		p.kill()
		return &FunctionError{Type: TimedOut, Message: fmt.Sprintf("no request for work within %v", timeout)}
	case <-ctx.Done():
		p.kill()
		return ctx.Err()
	}
}

// errGone: the process ended before it took the call.
var errGone = errors.New("the process has ended")

// give hands the call over. A process that does not ask for work within patience is
// killed.
func (p *process) give(ctx context.Context, c *call, patience time.Duration) error {
	if p.ended() { // a dead process's request for work may linger in the server
		return errGone
	}
	p.mu.Lock()
	p.current = c
	p.mu.Unlock()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case p.calls <- c:
		return nil
	case <-p.exited:
		return errGone
	case <-timer.C:
		p.kill()
		return errGone
	case <-ctx.Done():
		return ctx.Err()
	}
}

// kill ends the process like kill -9 and waits until it is gone.
func (p *process) kill() {
	p.measure()
	_ = p.cmd.Process.Kill()
	<-p.exited
}

func (p *process) ended() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// exitMessage says how the process ended, in Lambda's words.
func (p *process) exitMessage() string {
	if p.cmd.ProcessState.Success() {
		return "Runtime exited without providing a reason"
	}
	return "Runtime exited with error: " + p.cmd.ProcessState.String()
}

// measure notes the peak of the resident memory. It is read from /proc and not
// from the rusage of the ended process: Go starts a child on its own memory map
// until exec, so a child's ru_maxrss is never below the size of its parent.
func (p *process) measure() {
	if p.ended() { // its id may be another's by now
		return
	}
	status, err := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/status")
	if err != nil {
		return
	}
	for line := range bytes.Lines(status) {
		rest, ok := bytes.CutPrefix(line, []byte("VmHWM:"))
		if !ok {
			continue
		}
		kib, err := strconv.ParseInt(string(bytes.TrimSuffix(bytes.TrimSpace(rest), []byte(" kB"))), 10, 64)
		if err == nil {
			p.peakRSS.Store(kib << 10)
		}
		return
	}
}

// scheduled is the processor time of all threads so far, to the nanosecond.
func (p *process) scheduled() (sum time.Duration) {
	threads, _ := filepath.Glob("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/task/*/schedstat") // the pattern is right
	for _, path := range threads {
		var ran time.Duration
		if text, err := os.ReadFile(path); err == nil {
			_, _ = fmt.Sscan(string(text), &ran)
		}
		sum += ran
	}
	return sum
}
