// Package child starts servers of other programs for tests. They end with the test process,
// however that ends.
package child

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// StartLimit is long enough for Python's imports on a busy machine.
const StartLimit = time.Minute

// supervise runs its arguments and kills them when its standard input ends, which
// it does when the test process ends, however that ends.
const supervise = `exec 3<&0; "$@" </dev/null 3<&- & p=$!
{ read _ <&3; kill $p; } >/dev/null 2>&1 &
wait $p`

// Child is a server that ends with the test process.
type Child struct {
	// Output is its standard error.
	Output io.Reader

	lifeline io.Closer
}

// Begin starts a program, with more variables in its environment.
func Begin(env []string, program string, args ...string) (*Child, error) {
	//nolint:noctx // it is every test's
	cmd := exec.Command("sh", append([]string{"-c", supervise, "sh", program}, args...)...)
	cmd.Env = append(os.Environ(), env...)
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
	return &Child{output, lifeline}, nil
}

// End ends it. It is called when it has ended, too.
func (c *Child) End() { _ = c.lifeline.Close() }

// Serve starts a server that writes to its standard error where it listens: the address behind
// "Running on ".
func Serve(env []string, program string, args ...string) (address string, err error) {
	c, err := Begin(env, program, args...)
	if err != nil {
		return "", err
	}
	addresses, said := make(chan string, 1), make(chan string, 1)
	go func() {
		defer c.End() // not before: a file that is garbage gets closed
		said <- scan(c.Output, addresses)
	}()
	select {
	case address := <-addresses:
		return address, nil
	case text := <-said:
		return "", fmt.Errorf("%s ended at its start: %s", program, text)
	case <-time.After(StartLimit):
		c.End()
		return "", fmt.Errorf("%s did not start within %s", program, StartLimit)
	}
}

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

// Installed finds what make has put below .venv, in this folder or one above; false: it is not
// there.
func Installed(path ...string) (string, bool) {
	dir, err := os.Getwd()
	if err != nil {
		return "", false
	}
	for {
		found := filepath.Join(append([]string{dir, ".venv"}, path...)...)
		if _, err := os.Stat(found); err == nil {
			return found, true
		}
		if dir == filepath.Dir(dir) {
			return "", false
		}
		dir = filepath.Dir(dir)
	}
}
