package moto

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// errNotInstalled: there is no moto_server on this machine.
var errNotInstalled = errors.New("moto_server is neither in .venv/moto/bin nor on the PATH; `make test` installs it")

// startLimit is long enough for Python's imports on a busy machine.
const startLimit = time.Minute

// supervise runs its arguments and kills them when its standard input ends, which
// it does when the test process ends, however that ends.
const supervise = `exec 3<&0; "$@" </dev/null 3<&- & p=$!
{ read _ <&3; kill $p; } >/dev/null 2>&1 &
wait $p`

// process is one moto_server, which lives as long as the test process.
type process struct {
	address func() (*url.URL, error) // starts it, once

	// oneAtATime makes conditional writes atomic: moto checks and writes without a lock.
	oneAtATime sync.Mutex
}

func newProcess() *process { return &process{address: sync.OnceValues(start)} }

var processes = struct {
	mu   sync.Mutex
	all  []*process
	next int
}{all: []*process{newProcess()}}

// Spread lets the fronts that are started from here on take turns with n servers, each
// with a state of its own: one Python uses one processor.
func Spread(n int) {
	processes.mu.Lock()
	defer processes.mu.Unlock()
	for len(processes.all) < n {
		processes.all = append(processes.all, newProcess())
	}
}

func nextProcess() *process {
	processes.mu.Lock()
	defer processes.mu.Unlock()
	p := processes.all[processes.next%len(processes.all)]
	processes.next++
	return p
}

// start starts moto_server and returns its address.
func start() (*url.URL, error) {
	program, err := find()
	if err != nil {
		return nil, err
	}
	// Port 0: the kernel picks a free one, and the server logs which.
	c, err := begin(program, "-H", "127.0.0.1", "-p", "0")
	if err != nil {
		return nil, err
	}
	address := make(chan string, 1)
	said := make(chan string, 1)
	go func() {
		defer c.release() // not before: a file that is garbage gets closed
		said <- scan(c.output, address)
	}()
	select {
	case text := <-address:
		return url.Parse(text)
	case text := <-said:
		return nil, fmt.Errorf("%s ended at its start: %s", program, text)
	case <-time.After(startLimit):
		c.kill()
		return nil, fmt.Errorf("%s did not start within %s", program, startLimit)
	}
}

// child is a server that ends with the test process.
type child struct {
	cmd      *exec.Cmd
	lifeline io.Closer
	output   io.Reader // its standard error
}

// begin starts a program as a child.
func begin(program string, args ...string) (*child, error) {
	//nolint:noctx // it is every test's
	cmd := exec.Command("sh", append([]string{"-c", supervise, "sh", program}, args...)...)
	lifeline, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	output, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	return &child{cmd, lifeline, output}, nil
}

// release is called when the child has ended.
func (c *child) release() { _ = c.lifeline.Close() }

func (c *child) kill() { _ = c.cmd.Process.Kill() }

// scan sends the address that the server logs, then reads on so that the server
// never blocks on a full pipe. It returns what was logged before the address.
func scan(output io.Reader, address chan<- string) string {
	var said strings.Builder
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		if _, text, found := strings.Cut(lines.Text(), "Running on "); found {
			address <- strings.TrimSpace(text)
			break
		}
		said.WriteString(lines.Text() + "\n")
	}
	_, _ = io.Copy(io.Discard, output)
	return said.String()
}

// find prefers the pinned server of the repository to one on the PATH.
func find() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		program := filepath.Join(dir, ".venv", "moto", "bin", "moto_server")
		if _, err := os.Stat(program); err == nil {
			return program, nil
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	program, err := exec.LookPath("moto_server")
	if err != nil {
		return "", errNotInstalled
	}
	return program, nil
}
