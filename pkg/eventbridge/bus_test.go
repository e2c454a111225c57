package eventbridge_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/google/go-cmp/cmp"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/pkg/announce"
	"tokenrefresh/pkg/eventbridge"
	"tokenrefresh/pkg/outcome"
)

const key = "planted-secret"

var credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: key, SessionToken: "session"}, nil
})

// api models PutEvents. It answers by answers, one for each call, and takes what comes
// after them.
type api struct {
	*httptest.Server
	answers []func(w http.ResponseWriter, entries int)

	mu    sync.Mutex
	calls [][]map[string]any // entries
	wrong []string
}

func newAPI(t *testing.T, answers ...func(w http.ResponseWriter, entries int)) *api {
	t.Helper()
	a := &api{answers: answers}
	a.Server = httptest.NewServer(a)
	t.Cleanup(a.Close)
	return a
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var in struct{ Entries []map[string]any }
	err := json.Unmarshal(body, &in)
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil || r.Method != http.MethodPost || r.Header.Get("X-Amz-Target") != "AWSEvents.PutEvents" ||
		r.Header.Get("Content-Type") != "application/x-amz-json-1.1" {
		a.wrong = append(a.wrong, fmt.Sprintf("%s %s of %s: %v", r.Method, r.Header.Get("X-Amz-Target"), r.Header.Get("Content-Type"), err))
	}
	if want := a.signature(r.Context(), r, body); r.Header.Get("Authorization") != want {
		a.wrong = append(a.wrong, fmt.Sprintf("signed %q, want %q", r.Header.Get("Authorization"), want))
	}
	a.calls = append(a.calls, in.Entries)
	if n := len(a.calls); n <= len(a.answers) {
		a.answers[n-1](w, len(in.Entries))
		return
	}
	took(w, len(in.Entries))
}

// signature is what AWS makes of the request.
func (a *api) signature(ctx context.Context, r *http.Request, body []byte) string {
	at, _ := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	again, _ := http.NewRequestWithContext(ctx, r.Method, a.URL, bytes.NewReader(body))
	for _, name := range []string{"Content-Type", "X-Amz-Target"} {
		again.Header.Set(name, r.Header.Get(name))
	}
	hash := sha256.Sum256(body)
	known, _ := credentials(ctx)
	_ = v4.NewSigner().SignHTTP(ctx, known, again, hex.EncodeToString(hash[:]), "events", "eu-west-1", at)
	return again.Header.Get("Authorization")
}

func took(w http.ResponseWriter, entries int) { answer(w, make([]string, entries)...) }

// answer takes the entries whose code is empty.
func answer(w http.ResponseWriter, codes ...string) {
	var out struct {
		FailedEntryCount int
		Entries          []map[string]string
	}
	for i, code := range codes {
		e := map[string]string{"EventId": fmt.Sprint(i)}
		if code != "" {
			out.FailedEntryCount++
			e = map[string]string{"ErrorCode": code, "ErrorMessage": "text"}
		}
		out.Entries = append(out.Entries, e)
	}
	_ = json.NewEncoder(w).Encode(out)
}

func (a *api) bus() *eventbridge.Bus {
	client := eventbridge.Client{Region: "eu-west-1", Credentials: credentials, HTTP: a.Client(), Endpoint: a.URL}
	return client.Bus("team")
}

func events(n int) []announce.Event {
	var all []announce.Event
	for i := range n {
		all = append(all, announce.Event{
			Type: announce.Rotated, At: time.Unix(1_800_000_000, 0), Provider: "hesabe", Account: fmt.Sprint("shop-", i), RunID: "run",
			Outcome: outcome.Refreshed,
		})
	}
	return all
}

// What is sent is what the documentation shows.
func TestPut(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	left := 3
	err := a.bus().Put(t.Context(), []announce.Event{{
		Type: announce.Failed, At: time.Unix(1_800_000_000, 5), Provider: "hesabe", Account: "default", RunID: "run-1",
		Outcome: outcome.Dead, AttemptID: "attempt-1", VersionID: "version-1", AccessExpiresAt: "2026-11-22T05:00:00Z",
		AttemptsLeft: &left, Error: `put a new token, as {"refresh_token":"…"}`,
	}, {Type: announce.Recovered, Outcomes: map[outcome.Outcome]int{outcome.Refreshed: 2}}})
	assert.NilError(t, err)
	want := [][]map[string]any{{
		{
			"EventBusName": "team", "Source": "token-refresh", "DetailType": "Token Refresh Failed", "Time": 1.8e9,
			"Detail": `{"provider":"hesabe","account":"default","run_id":"run-1","outcome":"dead","attempt_id":"attempt-1",` +
				`"version_id":"version-1","access_expires_at":"2026-11-22T05:00:00Z","attempts_left":3,` +
				`"error":"put a new token, as {\"refresh_token\":\"…\"}"}`,
		},
		{
			"EventBusName": "team", "Source": "token-refresh", "DetailType": "Token Recovered", "Time": float64(time.Time{}.Unix()),
			"Detail": `{"provider":"","run_id":"","outcome":"","outcomes":{"refreshed":2}}`,
		},
	}}
	diff := cmp.Diff(want, a.calls)
	assert.Check(t, diff == "" && len(a.wrong) == 0, "%v (-want +got):\n%s", a.wrong, diff)
}

// A reader's event is told apart from a function's by its source.
func TestReject(t *testing.T) {
	t.Parallel()
	a := newAPI(t, func(w http.ResponseWriter, _ int) { answer(w, "InternalFailure") })
	err := a.bus().Reject(t.Context(), announce.Rejection{Provider: "hesabe", Account: "default", AttemptID: "attempt-1"})
	assert.Assert(t, err == nil && len(a.wrong) == 0 && len(a.calls) == 2,
		"%v, %q, %d calls", err, a.wrong, len(a.calls))
	got := a.calls[1][0]
	if at, _ := got["Time"].(float64); time.Since(time.Unix(int64(at), 0)).Abs() > time.Hour {
		t.Errorf("time %v", got["Time"])
	}
	delete(got, "Time")
	want := map[string]any{
		"EventBusName": "team", "Source": "token-refresh.reader", "DetailType": "Token Rejected",
		"Detail": `{"provider":"hesabe","account":"default","attempt_id":"attempt-1"}`,
	}
	assert.Check(t, is.DeepEqual(got, want))
}

// A call takes ten.
func TestPutOfMany(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	assert.NilError(t, a.bus().Put(t.Context(), events(23)))
	var got []int
	for _, call := range a.calls {
		got = append(got, len(call))
	}
	assert.Check(t, is.DeepEqual(got, []int{10, 10, 3}))
}

// What fails is tried once more, and of it only what was not taken.
func TestPutAgain(t *testing.T) {
	t.Parallel()
	denied := func(w http.ResponseWriter, _ int) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"__type":"AccessDeniedException","Message":"not authorized to perform: events:PutEvents"}`)
	}
	cut := func(http.ResponseWriter, int) { panic(http.ErrAbortHandler) }
	garbage := func(w http.ResponseWriter, _ int) { _, _ = io.WriteString(w, "<html>") }
	part := func(w http.ResponseWriter, _ int) { answer(w, "", "ThrottlingException", "") }
	for name, tt := range map[string]struct {
		answers []func(http.ResponseWriter, int)
		calls   []int
		err     string // empty: none
	}{
		"a connection that had died": {[]func(http.ResponseWriter, int){cut}, []int{3, 3}, ""},
		"one was refused":            {[]func(http.ResponseWriter, int){part}, []int{3, 1}, ""},
		"always refused":             {[]func(http.ResponseWriter, int){denied, denied}, []int{3, 3}, "events:PutEvents"},
		"no answer of EventBridge":   {[]func(http.ResponseWriter, int){garbage, garbage}, []int{3, 3}, "read the answer"},
		"an answer about others":     {[]func(http.ResponseWriter, int){part, part}, []int{3, 1}, "1 events were sent"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAPI(t, tt.answers...)
			err := a.bus().Put(t.Context(), events(3))
			if (err != nil) != (tt.err != "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v", err)
			}
			if err != nil && strings.Contains(err.Error(), key) {
				t.Error("the error shows a secret")
			}
			var got []int
			for _, call := range a.calls {
				got = append(got, len(call))
			}
			assert.Check(t, is.DeepEqual(got, tt.calls), "entries by call")
		})
	}
}

// A run that has no time left does not try again.
func TestPutInVain(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := a.bus().Put(ctx, events(1))
	assert.Check(t, err != nil && len(a.calls) == 0, "error %v, calls %v", err, a.calls)
}

// A long error does not make the event too large.
func TestPutOfALongError(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	e := events(1)
	e[0].Error = "x" + strings.Repeat("é", 200<<10)
	assert.NilError(t, a.bus().Put(t.Context(), e))
	detail, _ := a.calls[0][0]["Detail"].(string)
	assert.Check(t, len(detail) <= 8<<10 && json.Valid([]byte(detail)) && !strings.Contains(detail, `\ufffd`),
		"%d bytes", len(detail))
}

func TestNoEndpoint(t *testing.T) {
	t.Parallel()
	client := eventbridge.Client{Region: "local", Credentials: credentials, HTTP: http.DefaultClient}
	err := client.Bus("default").Put(t.Context(), events(1))
	assert.Check(t, err != nil && strings.Contains(err.Error(), "AWS_ENDPOINT_URL_EVENTBRIDGE"), "error %v", err)
}
