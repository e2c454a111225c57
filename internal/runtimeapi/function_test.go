package runtimeapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/runtimeapi"
)

var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "runtimeapi-*")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "bootstrap")
	build := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", binary, "./testdata/function")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the test function: %v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

type answer struct {
	PID         int      `json:"pid"`
	Text        string   `json:"text"`
	Environment []string `json:"environment"`
	DeadlineMS  int64    `json:"deadline_ms"`
	RequestID   string   `json:"request_id"`
	ARN         string   `json:"arn"`
}

func start(t *testing.T, o runtimeapi.Options) *runtimeapi.Function {
	t.Helper()
	o.Binary = binary
	f, err := runtimeapi.Start(t.Context(), o)
	assert.NilError(t, err)
	t.Cleanup(f.Close)
	return f
}

func invoke(t *testing.T, f *runtimeapi.Function, event string) (runtimeapi.Response, answer) {
	t.Helper()
	r, err := f.Invoke(t.Context(), []byte(event))
	assert.NilError(t, err)
	var a answer
	if r.FunctionError == nil {
		err := json.Unmarshal(r.Payload, &a)
		assert.Assert(t, err == nil, "answer %q: %v", r.Payload, err)
	}
	return r, a
}

func TestInvokeAnswersFromOneProcess(t *testing.T) {
	t.Parallel()
	f := start(t, runtimeapi.Options{})
	r, first := invoke(t, f, `{"do":"echo","text":"a"}`)
	_, second := invoke(t, f, `{"do":"echo","text":"b"}`)
	assert.Check(t, first.Text == "a" && second.Text == "b", "answers %q and %q, want a and b", first.Text, second.Text)
	assert.Check(t, first.PID == second.PID && f.Starts() == 1,
		"processes %d and %d in %d starts, want one", first.PID, second.PID, f.Starts())
	p := f.Process()
	assert.Check(t, p.PID == first.PID && p.Init > 0 && r.Duration > 0,
		"process %+v, duration %v: want the answering process and positive times", p, r.Duration)
	assert.Check(t, p.PeakRSS >= 1<<20 && p.PeakRSS <= 64<<20,
		"peak memory %d bytes, want what a small Go program takes", p.PeakRSS)
	f.Close()
	ended := f.Process()
	assert.Check(t, ended.PeakRSS >= p.PeakRSS,
		"peak memory after Close %d, want at least %d", ended.PeakRSS, p.PeakRSS)
	assert.Check(t, ended.CPU > 0 && ended.CPU >= p.CPU,
		"CPU time %v while it runs and %v at its end, want some, and no less", p.CPU, ended.CPU)
}

func TestInvocationKnowsItsContext(t *testing.T) {
	t.Parallel()
	f := start(t, runtimeapi.Options{Timeout: 42 * time.Second, FunctionName: "refresh"})
	before := time.Now()
	r, a := invoke(t, f, `{"do":"describe"}`)
	assert.Check(t, a.RequestID == r.RequestID, "request id %q, want %q", a.RequestID, r.RequestID)
	want := "arn:aws:lambda:us-east-1:123456789012:function:refresh"
	assert.Check(t, a.ARN == want, "arn %q, want %q", a.ARN, want)
	deadline := time.UnixMilli(a.DeadlineMS)
	if deadline.Before(before.Add(42*time.Second-time.Millisecond)) || deadline.After(time.Now().Add(42*time.Second)) {
		t.Errorf("deadline %v, want 42 s after %v", deadline, before)
	}
}

func TestEnvironmentIsTheGivenOneAndLambdas(t *testing.T) {
	t.Setenv("PLANTED_IN_THE_PARENT", "1")
	f := start(t, runtimeapi.Options{
		FunctionName: "refresh",
		MemoryMB:     256,
		Env:          map[string]string{"OWN": "value", "AWS_REGION": "me-south-1", "AWS_LAMBDA_RUNTIME_API": "ignored"},
	})
	_, a := invoke(t, f, `{"do":"describe"}`)
	var names []string
	values := map[string]string{}
	for _, kv := range a.Environment {
		k, v, _ := strings.Cut(kv, "=")
		names, values[k] = append(names, k), v
	}
	slices.Sort(names)
	want := []string{
		"AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_NAME",
		"AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME",
		"AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "AWS_SECRET_ACCESS_KEY",
		"AWS_SESSION_TOKEN", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT", "LANG", "OWN", "PATH", "TZ",
		"_HANDLER",
	}
	names = slices.DeleteFunc(names, func(n string) bool { return n == "_X_AMZN_TRACE_ID" }) // aws-lambda-go sets it
	assert.Check(t, is.DeepEqual(names, want), "variables")
	for k, want := range map[string]string{
		"OWN": "value", "AWS_REGION": "me-south-1", "AWS_DEFAULT_REGION": "me-south-1",
		"AWS_LAMBDA_FUNCTION_NAME": "refresh", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
		"AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/refresh", "LAMBDA_TASK_ROOT": filepath.Dir(binary),
	} {
		if values[k] != want {
			t.Errorf("%s = %q, want %q", k, values[k], want)
		}
	}
	assert.Check(t, values["AWS_LAMBDA_RUNTIME_API"] != "ignored",
		"AWS_LAMBDA_RUNTIME_API can be overridden; the process would speak to a stranger")
}

func TestLogsAreThereWhenInvokeReturns(t *testing.T) {
	t.Parallel()
	f := start(t, runtimeapi.Options{})
	for i := range 20 { // a log that lags behind shows in one of them
		text := fmt.Sprintf("line %d", i)
		invoke(t, f, `{"do":"print","text":"`+text+`"}`)
		for _, want := range []string{"to stdout: " + text, "to stderr: " + text} {
			assert.Assert(t, strings.Contains(f.Logs(), want+"\n"), "logs lack %q:\n%s", want, f.Logs())
		}
	}
}

func TestFaultsOfTheFunction(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, event, wantType, wantMessage string
		wantRestart                        bool
	}{
		{"error", `{"do":"error","text":"no such account"}`, "errorString", "no such account", false},
		{"typed error", `{"do":"raw-error"}`, "SyntaxError", "unexpected end of JSON input", false},
		{"event of a wrong type", `{"do":1}`, "UnmarshalTypeError", "event.do", false},
		{"panic, reported before the process ends", `{"do":"panic","text":"boom"}`, "string", "boom", true},
		{"exit", `{"do":"exit","bytes":2}`, runtimeapi.ExitError, "exit status 2", true},
		{"exit with success", `{"do":"exit"}`, runtimeapi.ExitError, "without providing a reason", true},
		{"too large an answer", `{"do":"large","bytes":6300000}`, runtimeapi.TooLarge, "6291456 bytes", true},
		{"past the deadline", `{"do":"hang"}`, runtimeapi.TimedOut, "timed out after 1.00 seconds", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := start(t, runtimeapi.Options{Timeout: time.Second})
			_, before := invoke(t, f, `{"do":"echo"}`)
			r, _ := invoke(t, f, tt.event)
			assert.Assert(t, r.FunctionError != nil, "answered %q, want the error %s", r.Payload, tt.wantType)
			if r.FunctionError.Type != tt.wantType || !strings.Contains(r.FunctionError.Message, tt.wantMessage) {
				t.Errorf("error %q, want type %q and message with %q", r.FunctionError, tt.wantType, tt.wantMessage)
			}
			_, after := invoke(t, f, `{"do":"echo","text":"alive"}`)
			assert.Check(t, after.Text == "alive" && (after.PID != before.PID) == tt.wantRestart,
				"then answered %+v from process %d before: restart wanted %v", after, before.PID, tt.wantRestart)
		})
	}
}

func TestLargestAnswerPasses(t *testing.T) {
	t.Parallel()
	f := start(t, runtimeapi.Options{})
	if r, a := invoke(t, f, `{"do":"large","bytes":6200000}`); len(a.Text) != 6200000 {
		t.Errorf("answer of %d bytes, error %v; want the whole text", len(a.Text), r.FunctionError)
	}
}

func TestKill(t *testing.T) {
	t.Parallel()
	t.Run("between invocations", func(t *testing.T) {
		t.Parallel()
		f := start(t, runtimeapi.Options{})
		for range 5 {
			_, before := invoke(t, f, `{"do":"echo"}`)
			f.Kill()
			_, after := invoke(t, f, `{"do":"echo"}`)
			assert.Assert(t, before.PID != after.PID, "process %d answered after Kill", after.PID)
		}
	})
	t.Run("during an invocation", func(t *testing.T) {
		t.Parallel()
		f := start(t, runtimeapi.Options{Timeout: time.Minute})
		var wg sync.WaitGroup
		wg.Go(func() {
			for !strings.Contains(f.Logs(), "hanging") { // the invocation is under way
				time.Sleep(time.Millisecond)
			}
			f.Kill()
		})
		r, _ := invoke(t, f, `{"do":"hang"}`)
		wg.Wait()
		if r.FunctionError == nil || r.FunctionError.Type != runtimeapi.ExitError ||
			!strings.Contains(r.FunctionError.Message, "signal: killed") {
			t.Errorf("error %v, want %s by signal: killed", r.FunctionError, runtimeapi.ExitError)
		}
		if _, a := invoke(t, f, `{"do":"echo","text":"alive"}`); a.Text != "alive" || f.Starts() != 2 {
			t.Errorf("then answered %+v in %d starts, want alive in 2", a, f.Starts())
		}
	})
}

func TestCancelledInvokeKillsTheProcess(t *testing.T) {
	t.Parallel()
	f := start(t, runtimeapi.Options{Timeout: time.Minute})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for !strings.Contains(f.Logs(), "hanging") {
			time.Sleep(time.Millisecond)
		}
		cancel()
	})
	_, err := f.Invoke(ctx, []byte(`{"do":"hang"}`))
	wg.Wait()
	assert.Assert(t, errors.Is(err, context.Canceled), "error %v, want context.Canceled", err)
	if _, a := invoke(t, f, `{"do":"echo","text":"alive"}`); a.Text != "alive" || f.Starts() != 2 {
		t.Errorf("then answered %+v in %d starts, want alive in 2", a, f.Starts())
	}
}

func TestConcurrentInvokesQueue(t *testing.T) {
	t.Parallel()
	f := start(t, runtimeapi.Options{})
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			text := fmt.Sprint(i)
			r, err := f.Invoke(t.Context(), []byte(`{"do":"echo","text":"`+text+`"}`))
			var a answer
			assert.Check(t, err == nil && json.Unmarshal(r.Payload, &a) == nil && a.Text == text,
				"answer %q, error %v; want %q", r.Payload, err, text)
		})
	}
	wg.Wait()
	assert.Check(t, f.Starts() == 1, "%d processes, want 1", f.Starts())
}

func TestStartReportsAFailedInit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, init, wantType, wantLog string
	}{
		{"exit", "exit", runtimeapi.ExitError, "planned end of init"},
		{"hang", "hang", runtimeapi.TimedOut, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := runtimeapi.Start(t.Context(), runtimeapi.Options{
				Binary: binary, Env: map[string]string{"INIT": tt.init}, InitTimeout: time.Second,
			})
			fault, ok := errors.AsType[*runtimeapi.FunctionError](err)
			assert.Check(t, ok && fault.Type == tt.wantType && strings.Contains(err.Error(), tt.wantLog), "error %v", err)
		})
	}
}

func TestStartWithoutABinary(t *testing.T) {
	t.Parallel()
	_, err := runtimeapi.Start(t.Context(), runtimeapi.Options{Binary: filepath.Join(t.TempDir(), "absent")})
	assert.Check(t, errors.Is(err, os.ErrNotExist), "error %v, want os.ErrNotExist", err)
}

func TestInvokeAfterClose(t *testing.T) {
	t.Parallel()
	f := start(t, runtimeapi.Options{})
	f.Close()
	_, err := f.Invoke(t.Context(), nil)
	assert.Check(t, errors.Is(err, runtimeapi.ErrClosed), "error %v, want ErrClosed", err)
}
