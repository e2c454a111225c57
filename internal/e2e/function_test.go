package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gotest.tools/v3/assert"

	"tokenrefresh/internal/runtimeapi"
	"tokenrefresh/internal/sandbox"
)

// function is the provider's function with a way of its own to AWS.
type function struct {
	*runtimeapi.Function
	wire    *wire
	heard   *heard
	tick    string // what a schedule's event is for this credential
	account string // that results are about; empty where they list none
	rest    atomic.Pointer[func()]
}

// start starts the function as it is deployed.
func (c *credential) start(t *testing.T) *function {
	t.Helper()
	return c.startWith(t, nil)
}

// startWith is start with edits of the environment.
func (c *credential) startWith(t *testing.T, edits map[string]string) *function {
	t.Helper()
	f := &function{wire: newWire(t, c.aws), heard: &c.heard, tick: `{}`}
	if c.account != defaultAccount {
		f.tick = c.event("")
	}
	if c.provider != sandbox.Berbix {
		f.account = c.account
	}
	var err error
	f.Function, err = runtimeapi.Start(t.Context(), c.options(t, f.wire.URL, edits))
	assert.NilError(t, err)
	t.Cleanup(f.Close)
	c.heard.listen(f.Logs)
	return f
}

// loggedIn makes a credential whose function has logged in.
func (w *world) loggedIn(t *testing.T, p sandbox.Provider, account string) (*credential, *function) {
	t.Helper()
	c := w.credential(t, p, account, sandbox.Options{})
	c.seed(t, nil)
	f := c.start(t)
	f.want(t, f.tick, "logged_in")
	return c, f
}

// forceCalls forces a run that must end well, and returns its calls to AWS.
func (c *credential) forceCalls(t *testing.T, f *function) []string {
	t.Helper()
	f.wire.clear()
	f.run(t, c.force())
	calls := f.wire.clear()
	c.checkLive(t)
	return calls
}

// options is the function as the stack has it, and the way to the emulated AWS.
// edits replace variables of its environment; those that are empty leave it.
func (c *credential) options(t *testing.T, endpoint string, edits map[string]string) runtimeapi.Options {
	t.Helper()
	env := maps.Clone(c.deployed.Environment)
	maps.Copy(env, map[string]string{
		"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": c.aws.Config().Region,
		"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_SESSION_TOKEN": "testing",
	})
	maps.Copy(env, edits)
	maps.DeleteFunc(env, func(_, value string) bool { return value == "" })
	return runtimeapi.Options{
		Binary: binary(t, c.logicalID), Env: env,
		FunctionName: c.deployed.Name, MemoryMB: c.deployed.MemoryMB, Timeout: c.deployed.Timeout,
	}
}

// event is an ad-hoc event for the credential with further fields.
func (c *credential) event(further string) string {
	return fmt.Sprintf(`{"account":%q%s}`, c.account, further)
}

func (c *credential) force() string  { return c.event(`,"force":true`) }
func (c *credential) dryRun() string { return c.event(`,"dry_run":true`) }

// result is a function's answer, with all its documented fields.
type result struct {
	Provider    string         `json:"provider"`
	Version     string         `json:"version"`
	RunID       string         `json:"run_id"`
	Outcomes    map[string]int `json:"outcomes"`
	Credentials []struct {
		Account         string   `json:"account"`
		Outcome         string   `json:"outcome"`
		Source          string   `json:"source"`
		AccessExpiresAt string   `json:"access_expires_at"`
		VersionID       string   `json:"version_id"`
		Reason          string   `json:"reason"` // of a dry run
		Error           string   `json:"error"`
		Warnings        []string `json:"warnings"`
	} `json:"credentials"`
	Warnings          []string `json:"warnings"`
	BatchItemFailures *[]struct {
		ItemIdentifier string `json:"itemIdentifier"`
	} `json:"batchItemFailures"`
}

// turns is how many functions may work at once: more would wait for each other's calls
// to the emulated AWS, and run into their timeouts. Some always wait for a failed call.
var turns = make(chan struct{}, 8)

// try runs an event when it is its turn. Its error is the function's, or says that the
// answer is not as documented.
func (f *function) try(ctx context.Context, event string) (result, error) {
	turns <- struct{}{}
	rest := sync.OnceFunc(func() { <-turns })
	defer rest()
	f.rest.Store(&rest)
	return f.attempt(ctx, event)
}

// resting is a mishap that makes the function wait: it is another's turn.
func (f *function) resting(m mishap) mishap {
	return func(do carry) *httptest.ResponseRecorder {
		if rest := f.rest.Load(); rest != nil {
			(*rest)()
		}
		return m(do)
	}
}

// attempt runs an event at once.
func (f *function) attempt(ctx context.Context, event string) (result, error) {
	var r result
	response, err := f.Invoke(ctx, []byte(event))
	if err != nil {
		return r, err
	}
	f.heard.add(string(response.Payload))
	if response.FunctionError != nil {
		f.heard.add(response.FunctionError.Error())
		return r, response.FunctionError
	}
	decoder := json.NewDecoder(bytes.NewReader(response.Payload))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&r); err != nil {
		return r, fmt.Errorf("%w in the result %s", err, response.Payload)
	}
	return r, nil
}

// run runs an event that must not end in a function error.
func (f *function) run(t *testing.T, event string) result {
	t.Helper()
	r, err := f.try(t.Context(), event)
	assert.Assert(t, err == nil, "%s: %v\n%s", event, err, f.Logs())
	return r
}

// only is what became of the one credential, or of the one row, that a result is
// about.
func (f *function) only(r result) (string, error) {
	for outcome, n := range r.Outcomes {
		switch {
		case n != 1, len(r.Outcomes) != 1:
		case f.account == "":
			return outcome, nil
		case len(r.Credentials) == 1 && r.Credentials[0].Account == f.account && r.Credentials[0].Outcome == outcome:
			return outcome, nil
		}
	}
	return "", fmt.Errorf("not one outcome: %+v", r)
}

// outcome runs an event and returns what became of the one credential or row.
func (f *function) outcome(t *testing.T, event string) string {
	t.Helper()
	outcome, err := f.only(f.run(t, event))
	assert.Assert(t, err == nil, "%s: %v", event, err)
	return outcome
}

// want runs an event whose outcome is known.
func (f *function) want(t *testing.T, event, outcome string) {
	t.Helper()
	got := f.outcome(t, event)
	assert.Assert(t, got == outcome, "%s: %s, want %s\n%s", event, got, outcome, f.Logs())
}

// wantCounts runs an event that is about several credentials or rows.
func (f *function) wantCounts(t *testing.T, event string, outcomes map[string]int) result {
	t.Helper()
	r := f.run(t, event)
	diff := cmp.Diff(outcomes, r.Outcomes)
	assert.Assert(t, diff == "", "%s (-want +got):\n%s%s", event, diff, f.Logs())
	return r
}

// fail runs an event that ends in a function error.
func (f *function) fail(t *testing.T, event string) *runtimeapi.FunctionError {
	t.Helper()
	r, err := f.try(t.Context(), event)
	var fault *runtimeapi.FunctionError
	assert.Assert(t, errors.As(err, &fault), "%s: no function error but %+v, %v", event, r, err)
	return fault
}
