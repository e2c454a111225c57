package e2e_test

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/fakeaws"
	"tokenrefresh/internal/runtimeapi"
	"tokenrefresh/internal/sandbox"
	"tokenrefresh/pkg/spare"
)

// secured is an AWS and a Hesabe over TLS, as a function meets them at its start.
type secured struct{ *fakeaws.World }

func newSecured(t *testing.T) secured {
	t.Helper()
	w, err := fakeaws.NewWorld(root, t.TempDir(), "RefreshHesabe", sandbox.Hesabe)
	assert.NilError(t, err)
	t.Cleanup(w.Close)
	w.Seed()
	return secured{w}
}

func (s secured) start(t *testing.T) *runtimeapi.Function {
	t.Helper()
	f, err := runtimeapi.Start(t.Context(), runtimeapi.Options{Binary: binary(t, "RefreshHesabe"), Env: s.Env, Timeout: time.Minute})
	assert.NilError(t, err)
	t.Cleanup(f.Close)
	return f
}

// calls are those of each server since they were last asked for.
func (s secured) calls() (all [][]string) {
	for _, server := range s.Servers() {
		names := []string{}
		for _, c := range server.TakeCalls() {
			names = append(names, c.Op)
		}
		all = append(all, names)
	}
	return all
}

// While a function starts it opens its connections and reads the credentials, which name the
// provider's host. It writes nothing and presents no token.
func TestInitReadsCredentialsAndNothingElse(t *testing.T) {
	t.Parallel()
	s := newSecured(t)
	began := time.Now()
	f := s.start(t)
	assert.Check(t, is.DeepEqual(s.calls(), [][]string{{"GetSecretValue"}, {}, {}}), "calls of init")
	opened := [3]int{3, 1, 1}
	assert.Check(t, is.DeepEqual(s.Connections(), opened), "connections of init")
	logs := f.Logs()
	assert.Check(t, logs == "", "init wrote: %s", logs)
	response, err := f.Invoke(t.Context(), []byte(`{}`))
	assert.Assert(t, err == nil && strings.Contains(string(response.Payload), `"outcomes":{"refreshed":1}`),
		"%v, %v: %s\n%s", err, response.FunctionError, response.Payload, f.Logs())
	// On a busy machine the first event may come late, and find its connections too old.
	if got := s.Connections(); got != opened && time.Since(began) < spare.MaxIdle {
		t.Errorf("connections of init and the first refresh: %v, want %v", got, opened)
	}
}

// A process may be frozen between its start and the first event, and its connections closed
// meanwhile. The token is presented once, on a connection that lives.
func TestFrozenBetweenInitAndFirstEvent(t *testing.T) {
	t.Parallel()
	s := newSecured(t)
	f := s.start(t)
	pid := f.Process().PID
	assert.NilError(t, syscall.Kill(pid, syscall.SIGSTOP))
	for _, server := range s.Servers() {
		server.CloseClientConnections()
	}
	s.calls()
	assert.NilError(t, syscall.Kill(pid, syscall.SIGCONT))
	response, err := f.Invoke(t.Context(), []byte(`{}`))
	assert.Assert(t, err == nil && strings.Contains(string(response.Payload), `"outcomes":{"refreshed":1}`),
		"%v, %v: %s\n%s", err, response.FunctionError, response.Payload, f.Logs())
	assert.Check(t, is.DeepEqual(s.calls()[2], []string{"POST /api/v1/token-refresh"}), "calls of the provider")
}

// A function starts without a network, and says what is wrong when it has work.
func TestInitWithoutNetwork(t *testing.T) {
	t.Parallel()
	s := newSecured(t)
	for _, server := range s.Servers() {
		server.Close()
	}
	f := s.start(t)
	logs := f.Logs()
	assert.Check(t, logs == "", "init wrote: %s", logs)
	response, err := f.Invoke(t.Context(), []byte(`{}`))
	if err != nil || response.FunctionError == nil || !strings.Contains(response.FunctionError.Message, "read the ledger") {
		t.Errorf("%v, %v: %s", err, response.FunctionError, response.Payload)
	}
}
