package runtimeapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/google/uuid"
)

// ErrClosed is Invoke's answer after Close.
var ErrClosed = errors.New("the function is closed")

// Function is a function in its one execution environment. It is safe for
// concurrent use; invocations queue.
type Function struct {
	opts Options
	logs *os.File
	turn chan struct{} // holds a token while an invocation runs

	mu      sync.Mutex
	process *process
	starts  int
	closed  bool
}

// Process is what is known of a function's newest process.
type Process struct {
	PID int
	// Init is the time from the process's start to its first request for work.
	Init time.Duration
	// PeakRSS is the most resident memory so far, in bytes; for an ended process as
	// last seen by Process, Kill or Close. 0 where the system has no /proc.
	PeakRSS int64
	// CPU is the user and system time so far; 0 for a running process where the system has
	// no /proc.
	CPU time.Duration
}

// Start starts the binary and returns when it first asks for work. ctx bounds that
// wait only. The error has what the process printed, and is a *FunctionError where the
// function is at fault. Close the function in the end.
func Start(ctx context.Context, o Options) (*Function, error) {
	binary, err := filepath.Abs(o.Binary)
	if err != nil {
		return nil, fmt.Errorf("find the function: %w", err)
	}
	o.Binary = binary // the process starts in its folder
	// A file and not a pipe: what was written is there, no reader lags behind.
	logs, err := os.CreateTemp("", "function-*.log")
	if err != nil {
		return nil, fmt.Errorf("create the log: %w", err)
	}
	_ = os.Remove(logs.Name()) // lives on as an open file and leaves nothing behind
	f := &Function{opts: o.withDefaults(), logs: logs, turn: make(chan struct{}, 1)}
	if _, err := f.launch(ctx); err != nil {
		f.Close()
		return nil, fmt.Errorf("init failed: %w\n%s", err, f.Logs())
	}
	return f, nil
}

// Invoke runs one event to its end, in a new process if the last one has ended.
// Whatever the function did wrong is in Response.FunctionError; the error is
// ctx's, in which case the process was killed if it had begun, ErrClosed, or says
// that the process could not be started at all.
func (f *Function) Invoke(ctx context.Context, payload []byte) (Response, error) {
	select {
	case f.turn <- struct{}{}:
		defer func() { <-f.turn }()
	case <-ctx.Done():
		return Response{}, ctx.Err()
	}
	c := &call{id: uuid.NewString(), payload: payload, done: make(chan result, 1)}
	p, err := f.deliver(ctx, c)
	begun := time.Now()
	response := Response{RequestID: c.id}
	if err != nil {
		return response, fillFault(&response, err)
	}
	response.Payload, err = f.await(ctx, p, c)
	response.Duration = time.Since(begun)
	return response, fillFault(&response, err)
}

// fillFault moves an error that is the function's fault into the response.
func fillFault(r *Response, err error) error {
	if fault := (*FunctionError)(nil); errors.As(err, &fault) {
		r.FunctionError = fault
		return nil
	}
	return err
}

// deliver hands the call to the process, or to a new one: the last may have ended,
// or be about to, as after a panic that it has reported already.
func (f *Function) deliver(ctx context.Context, c *call) (*process, error) {
	f.mu.Lock()
	p, closed := f.process, f.closed
	f.mu.Unlock()
	if closed {
		return nil, ErrClosed
	}
	for {
		c.deadline = time.Now().Add(f.opts.Timeout)
		err := p.give(ctx, c, f.opts.Timeout)
		if !errors.Is(err, errGone) {
			return p, err
		}
		if p, err = f.launch(ctx); err != nil {
			return nil, err
		}
	}
}

// await returns the answer to a delivered call.
func (f *Function) await(ctx context.Context, p *process, c *call) ([]byte, error) {
	timer := time.NewTimer(time.Until(c.deadline))
	defer timer.Stop()
	var fault error
	select {
	case r := <-c.done:
		return r.payload, r.err
	case <-p.exited:
		fault = &FunctionError{Type: ExitError, Message: fmt.Sprintf("RequestId: %s Error: %s", c.id, p.exitMessage())}
	case <-timer.C:
		p.kill()
		fault = &FunctionError{Type: TimedOut, Message: fmt.Sprintf("RequestId: %s Error: Task timed out after %.2f seconds",
			c.id, f.opts.Timeout.Seconds())}
	case <-ctx.Done():
		p.kill()
		return nil, ctx.Err()
	}
	select {
	case r := <-c.done: // answered in the same moment
		return r.payload, r.err
	default:
		return nil, fault
	}
}

// launch starts a process and waits for the end of its init.
func (f *Function) launch(ctx context.Context) (*process, error) {
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		return nil, ErrClosed
	}
	p, err := startProcess(ctx, f.opts, f.logs)
	if err == nil {
		f.process = p // known already during init, so that Kill reaches it
		f.starts++
	}
	f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return p, p.awaitInit(ctx, f.opts.InitTimeout)
}

// Kill ends the process like kill -9, at whatever it is doing, and returns when
// it is gone. The next Invoke starts a new one.
func (f *Function) Kill() {
	f.mu.Lock()
	p := f.process
	f.mu.Unlock()
	if p != nil {
		p.kill()
	}
}

// Close kills the process and ends the function. Logs and Process stay readable.
func (f *Function) Close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.Kill()
}

// Starts counts the processes so far.
func (f *Function) Starts() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.starts
}

// Process describes the newest process.
func (f *Function) Process() Process {
	f.mu.Lock()
	p := f.process
	f.mu.Unlock()
	p.measure()
	info := Process{PID: p.cmd.Process.Pid, PeakRSS: p.peakRSS.Load()}
	select {
	case <-p.ready:
		info.Init = p.init
	default:
	}
	if p.ended() {
		info.CPU = p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
	} else {
		info.CPU = p.scheduled()
	}
	return info
}

// Logs returns all that the processes have written to stdout and stderr so far.
// What a function wrote before it answered is in it when Invoke returns.
func (f *Function) Logs() string {
	info, err := f.logs.Stat()
	if err != nil {
		return ""
	}
	text, _ := io.ReadAll(io.NewSectionReader(f.logs, 0, info.Size()))
	return string(text)
}
