package moto

import (
	"errors"
	"net/url"
	"os/exec"
	"sync"

	"tokenrefresh/internal/child"
)

// errNotInstalled: there is no moto_server on this machine.
var errNotInstalled = errors.New("moto_server is neither in .venv/moto/bin nor on the PATH; `make test` installs it")

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
	address, err := child.Serve(nil, program, "-H", "127.0.0.1", "-p", "0")
	if err != nil {
		return nil, err
	}
	return url.Parse(address)
}

// find prefers the pinned server of the repository to one on the PATH.
func find() (string, error) {
	if program, ok := child.Installed("moto", "bin", "moto_server"); ok {
		return program, nil
	}
	program, err := exec.LookPath("moto_server")
	if err != nil {
		return "", errNotInstalled
	}
	return program, nil
}
