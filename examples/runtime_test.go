package examples_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/moto"
)

// languages make a program that follows orders with the example, until its input ends.
var languages = map[string]func(t *testing.T) *exec.Cmd{"python": python, "node": node}

// missing skips a test whose runtime is not installed, but fails it if CI=true.
func missing(t *testing.T, what string) {
	t.Helper()
	assert.Assert(t, os.Getenv("CI") != "true", what)
	t.Skip(what)
}

// found is the absolute path of the first of these programs that is there.
func found(t *testing.T, otherwise string, programs ...string) string {
	t.Helper()
	for _, program := range programs {
		path, err := exec.LookPath(program)
		if err == nil {
			path, err = filepath.Abs(path)
		}
		if err == nil {
			return path
		}
	}
	missing(t, otherwise)
	return ""
}

// python has boto3, which comes with moto.
func python(t *testing.T) *exec.Cmd {
	t.Helper()
	for _, program := range []string{"../.venv/moto/bin/python", "python3"} {
		program, err := exec.LookPath(program)
		if err != nil || exec.CommandContext(t.Context(), program, "-c", "import boto3").Run() != nil {
			continue
		}
		cmd := exec.CommandContext(context.WithoutCancel(t.Context()), program, "testdata/drive.py")
		cmd.Env = append(os.Environ(), "PYTHONPATH=python", "PYTHONDONTWRITEBYTECODE=1")
		return cmd
	}
	missing(t, "no Python with boto3: `make test` installs it, where there is Python")
	return nil
}

// node finds the SDK as a service does: in the node_modules beside the example.
func node(t *testing.T) *exec.Cmd {
	t.Helper()
	program := found(t, "no Node on the PATH: install Node 20 or later", "node")
	modules, err := filepath.Abs("../.venv/node/node_modules")
	assert.NilError(t, err)
	if _, err := os.Stat(modules); err != nil {
		missing(t, "no AWS SDK for Node in .venv/node: `make test` installs it, where there is npm")
	}
	dir := t.TempDir()
	for _, path := range []string{"node/access-token.mjs", "testdata/drive.mjs"} {
		text, err := os.ReadFile(path)
		assert.NilError(t, err)
		err = os.WriteFile(filepath.Join(dir, filepath.Base(path)), text, 0o600)
		assert.NilError(t, err)
	}
	err = os.Symlink(modules, filepath.Join(dir, "node_modules"))
	assert.NilError(t, err)
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), program, filepath.Join(dir, "drive.mjs"))
	cmd.Env = os.Environ()
	return cmd
}

// driver is a running program with the example in it.
type driver struct {
	t      *testing.T
	aws    *moto.Server
	name   string       // of the secret
	onRead atomic.Value // func(): called before each read of the secret is answered
	in     *json.Encoder
	out    *bufio.Reader
}

type order struct {
	Do      string  `json:"do"`
	Seconds float64 `json:"seconds,omitempty"`
	URL     string  `json:"url,omitempty"`
	Body    string  `json:"body,omitempty"`
	Kind    string  `json:"kind,omitempty"`
}

type answer struct {
	Authorization string
	Instance      string // of the fields of the reply
	Status        int
	Error, Trace  string
	Kinds         []string
	Rejected      string
}

// Options of the examples, in seconds. With a spread they also listen to rejections, which costs
// one more read.
const (
	deaf      = `{"gap": 0.5}`
	listening = `{"gap": 0.5, "spread": 0.1}`
)

// start starts the program for a secret that has no value yet.
func start(t *testing.T, language func(*testing.T) *exec.Cmd, options string) *driver {
	t.Helper()
	d := &driver{t: t, aws: moto.Start(t)}
	prefix := moto.NewName("examples")
	d.aws.CreateSecrets(t, prefix, "hesabe", "default")
	d.name = prefix + "/hesabe/default/access"
	d.onRead.Store(func() {})

	cmd := language(t)
	cmd.Args = append(cmd.Args, d.name, options)
	cmd.Env = append(append(cmd.Env, d.aws.Environment()...), "AWS_ENDPOINT_URL="+d.front(), "AWS_DEFAULT_REGION=eu-west-1")
	cmd.Stderr = t.Output()
	in, err := cmd.StdinPipe()
	assert.NilError(t, err)
	out, err := cmd.StdoutPipe()
	assert.NilError(t, err)
	err = cmd.Start()
	assert.NilError(t, err)
	t.Cleanup(func() {
		_ = in.Close()
		_, _ = io.Copy(io.Discard, out)
		err := cmd.Wait()
		assert.Check(t, err)
	})
	d.in, d.out = json.NewEncoder(in), bufio.NewReader(out)
	return d
}

// front stands in for AWS before the program.
func (d *driver) front() string {
	target, err := url.Parse(d.aws.URL)
	assert.NilError(d.t, err)
	proxy := httputil.NewSingleHostReverseProxy(target)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.onRead.Load().(func())()
		proxy.ServeHTTP(w, r)
	}))
	d.t.Cleanup(front.Close)
	return front.URL
}

// do sends an order and returns its result.
func (d *driver) do(o order) answer {
	d.t.Helper()
	err := d.in.Encode(o)
	assert.NilError(d.t, err)
	line, err := d.out.ReadString('\n')
	assert.Assert(d.t, err == nil, "%s: %v", o.Do, err)
	var a answer
	err = json.Unmarshal([]byte(line), &a)
	assert.Assert(d.t, err == nil, "%s: %q: %v", o.Do, line, err)
	return a
}

func (d *driver) advance(seconds float64) { d.do(order{Do: "advance", Seconds: seconds}) }

// wantToken wants the program to have this token.
func (d *driver) wantToken(do, want string) {
	d.t.Helper()
	a := d.do(order{Do: do})
	assert.Check(d.t, a.Authorization == want && a.Error == "", "%s: %+v, want %q", do, a, want)
}

// wantError wants the program to have no token, with an error that contains this.
func (d *driver) wantError(words string) {
	d.t.Helper()
	a := d.do(order{Do: "get"})
	if a.Authorization != "" || !strings.Contains(a.Error, d.name) || !strings.Contains(a.Error, words) ||
		strings.Contains(a.Error+a.Trace, "planted") {
		d.t.Errorf("%+v, want an error that names %s and says %q", a, d.name, words)
	}
}

// wantReads checks how often the secret was read since the last check.
func (d *driver) wantReads(least, most int) {
	d.t.Helper()
	calls := d.aws.Calls()
	assert.Check(d.t, len(calls) >= least && len(calls) <= most, "calls %v, want %d to %d", calls, least, most)
}
