package e2e_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/authority"
	"tokenrefresh/internal/fakeaws"
	"tokenrefresh/internal/runtimeapi"
	"tokenrefresh/internal/sandbox"
	"tokenrefresh/internal/template"
	"tokenrefresh/pkg/spare"
)

// secured is an AWS and a Hesabe over TLS, as a function meets them at its start.
type secured struct {
	secrets, tables, provider *fakeaws.Server
	env                       map[string]string
}

func newSecured(t *testing.T) *secured {
	t.Helper()
	must := func(err error) {
		t.Helper()
		assert.NilError(t, err)
	}
	loaded, err := template.Load(filepath.Join(root, "template.yaml"))
	must(err)
	stack, err := loaded.Stack(map[string]string{"ProviderEnvironment": "sandbox"})
	must(err)
	aws, err := fakeaws.New(stack)
	must(err)
	box, err := sandbox.Start(sandbox.Options{})
	must(err)
	t.Cleanup(box.Close)
	ca, err := authority.New()
	must(err)
	s := &secured{}
	s.secrets, err = fakeaws.Serve(ca, aws)
	must(err)
	s.tables, err = fakeaws.Serve(ca, aws)
	must(err)
	s.provider, err = fakeaws.Serve(ca, box.Handler(sandbox.Hesabe))
	must(err)
	for _, server := range s.servers() {
		t.Cleanup(server.Close)
	}
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	must(os.WriteFile(bundle, ca.PEM(), 0o600))
	s.env = stack.Environment("RefreshHesabe")
	maps.Copy(s.env, map[string]string{
		"AWS_ENDPOINT_URL_SECRETS_MANAGER": s.secrets.URL, "AWS_ENDPOINT_URL_DYNAMODB": s.tables.URL,
		"SSL_CERT_FILE": bundle, "EVENT_BUS": "",
	})
	name := s.env["SECRET_PREFIX"] + "/hesabe/" + s.env["ACCOUNTS"] + "/"
	aws.SetSecret(name+"credentials", strings.ReplaceAll(box.Credentials(sandbox.Hesabe), box.URL(sandbox.Hesabe), s.provider.URL))
	aws.SetSecret(name+"tokens", fmt.Sprintf(`{"refresh_token":%q}`, box.Issue(sandbox.Hesabe).RefreshToken))
	return s
}

func (s *secured) servers() []*fakeaws.Server {
	return []*fakeaws.Server{s.secrets, s.tables, s.provider}
}

func (s *secured) start(t *testing.T) *runtimeapi.Function {
	t.Helper()
	f, err := runtimeapi.Start(t.Context(), runtimeapi.Options{Binary: binary(t, "RefreshHesabe"), Env: s.env, Timeout: time.Minute})
	assert.NilError(t, err)
	t.Cleanup(f.Close)
	return f
}

// calls are those of each server since they were last asked for.
func (s *secured) calls() (all [][]string) {
	for _, server := range s.servers() {
		names := []string{}
		for _, c := range server.TakeCalls() {
			names = append(names, c.Op)
		}
		all = append(all, names)
	}
	return all
}

func (s *secured) connections() (counts []int) {
	for _, server := range s.servers() {
		counts = append(counts, server.Connections())
	}
	return counts
}

// While a function starts it opens its connections and reads the credentials, which name the
// provider's host. It writes nothing and presents no token.
func TestInitReadsCredentialsAndNothingElse(t *testing.T) {
	t.Parallel()
	s := newSecured(t)
	began := time.Now()
	f := s.start(t)
	assert.Check(t, is.DeepEqual(s.calls(), [][]string{{"GetSecretValue"}, {}, {}}), "calls of init")
	opened := []int{3, 1, 1}
	assert.Check(t, is.DeepEqual(s.connections(), opened), "connections of init")
	if logs := f.Logs(); logs != "" {
		t.Errorf("init wrote: %s", logs)
	}
	response, err := f.Invoke(t.Context(), []byte(`{}`))
	if err != nil || !strings.Contains(string(response.Payload), `"outcomes":{"refreshed":1}`) {
		t.Fatalf("%v, %v: %s\n%s", err, response.FunctionError, response.Payload, f.Logs())
	}
	// On a busy machine the first event may come late, and find its connections too old.
	if got := s.connections(); cmp.Diff(opened, got) != "" && time.Since(began) < spare.MaxIdle {
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
	for _, server := range s.servers() {
		server.CloseClientConnections()
	}
	s.calls()
	assert.NilError(t, syscall.Kill(pid, syscall.SIGCONT))
	response, err := f.Invoke(t.Context(), []byte(`{}`))
	if err != nil || !strings.Contains(string(response.Payload), `"outcomes":{"refreshed":1}`) {
		t.Fatalf("%v, %v: %s\n%s", err, response.FunctionError, response.Payload, f.Logs())
	}
	assert.Check(t, is.DeepEqual(s.calls()[2], []string{"POST /api/v1/token-refresh"}), "calls of the provider")
}

// A function starts without a network, and says what is wrong when it has work.
func TestInitWithoutNetwork(t *testing.T) {
	t.Parallel()
	s := newSecured(t)
	for _, server := range s.servers() {
		server.Close()
	}
	f := s.start(t)
	if logs := f.Logs(); logs != "" {
		t.Errorf("init wrote: %s", logs)
	}
	response, err := f.Invoke(t.Context(), []byte(`{}`))
	if err != nil || response.FunctionError == nil || !strings.Contains(response.FunctionError.Message, "read the ledger") {
		t.Errorf("%v, %v: %s", err, response.FunctionError, response.Payload)
	}
}
