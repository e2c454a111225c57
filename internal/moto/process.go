package moto

import (
	_ "embed" // of server.py
	"errors"
	"net/url"
	"os/exec"
	"sync"

	"tokenrefresh/internal/child"
)

// errNotInstalled: there is no moto on this machine.
var errNotInstalled = errors.New("moto is neither in .venv/moto nor a package of python3; `make test` installs it")

// process is one moto, which lives as long as the test process.
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

//go:embed server.py
var program string

// start starts moto and returns its address.
func start() (*url.URL, error) {
	python, err := find()
	if err != nil {
		return nil, err
	}
	address, err := child.Serve(nil, python, "-c", program)
	if err != nil {
		return nil, err
	}
	return url.Parse(address)
}

// find prefers the repository's own Python to the machine's.
func find() (string, error) {
	if python, ok := child.Installed("moto", "bin", "python"); ok {
		return python, nil
	}
	//nolint:noctx // it ends at once
	if exec.Command("python3", "-c", `import importlib.util, sys; sys.exit(not importlib.util.find_spec("moto"))`).Run() != nil {
		return "", errNotInstalled
	}
	return "python3", nil
}
