package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"tokenrefresh/internal/moto"
)

// wire is a function's way to AWS. It names the calls as they arrive, and lets
// mishaps befall some of them. It hides when versions of secrets were created: time passes in
// these tests by moving what the ledger says, and a run would take the age of a version for a
// sign that a clock is wrong.
type wire struct {
	URL    string
	aws    *moto.Server
	server *httptest.Server

	busy sync.RWMutex // read-locked by a call under way

	mu      sync.Mutex
	calls   []string       // names, in order of arrival
	counted map[string]int // calls by operation
	fate    fate
	parked  []carry
	events  [][]byte // what PutEvents was asked for
}

// call is one call to AWS.
type call struct {
	name      string // operation and number: "UpdateItem 2"
	operation string
	document  string // "tokens", where the call is about a secret
	table     string // where it is about one
	index     string // of the table, where it is read
	id        string // of the transaction that is written
}

// fate says what befalls a call; nil: nothing does. It is asked for one call at a
// time, in order of arrival.
type fate func(call) mishap

// carry brings a call to AWS and returns the answer.
type carry func() *httptest.ResponseRecorder

// mishap is what becomes of a call; a nil answer cuts the connection.
type mishap func(do carry) *httptest.ResponseRecorder

func newWire(t *testing.T, aws *moto.Server) *wire {
	t.Helper()
	w := &wire{aws: aws}
	w.expectAll(nil)
	w.server = httptest.NewServer(w)
	t.Cleanup(w.server.Close)
	w.URL = w.server.URL
	return w
}

// hangUp forgets what a process that died has sent and nobody has read yet: it would pass
// for a call of the next process.
func (w *wire) hangUp() { w.server.CloseClientConnections() }

// expect counts from here on and lets m befall the call of that name.
func (w *wire) expect(name string, m mishap) {
	w.expectAll(func(c call) mishap {
		if c.name == name {
			return m
		}
		return nil
	})
}

// expectFrom counts from here on and lets m befall the first call of one of the
// names, and all after it.
func (w *wire) expectFrom(m mishap, names ...string) {
	begun := false
	w.expectAll(func(c call) mishap {
		begun = begun || slices.Contains(names, c.name)
		if begun {
			return m
		}
		return nil
	})
}

// expectAll counts from here on and lets f decide about each call.
func (w *wire) expectAll(f fate) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls, w.counted, w.fate = nil, map[string]int{}, f
}

// clear waits for the calls that are under way, as those of a process that was
// killed, lets all later ones pass, and returns the calls so far.
func (w *wire) clear() []string {
	w.busy.Lock()
	defer w.busy.Unlock()
	w.mu.Lock()
	calls := w.calls
	w.mu.Unlock()
	w.expectAll(nil)
	return calls
}

// ServeHTTP implements http.Handler.
func (w *wire) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.busy.RLock()
	defer w.busy.RUnlock()
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Context().Err() != nil {
		panic(http.ErrAbortHandler) // the function is gone
	}
	// A call that AWS has begun ends there, whatever becomes of the caller.
	request := r.Clone(context.WithoutCancel(r.Context()))
	request.Body = io.NopCloser(bytes.NewReader(body))
	do := func() *httptest.ResponseRecorder {
		answer := httptest.NewRecorder()
		w.aws.ServeHTTP(answer, request)
		answer.Body = bytes.NewBuffer(bytes.ReplaceAll(answer.Body.Bytes(), []byte(`"CreatedDate"`), []byte(`"CreatedThen"`)))
		return answer
	}
	m := w.arrived(r.Header.Get("X-Amz-Target"), body)
	if m == nil {
		m = func(do carry) *httptest.ResponseRecorder { return do() }
	}
	answer := m(do)
	if answer == nil {
		panic(http.ErrAbortHandler)
	}
	for name, values := range answer.Header() {
		rw.Header()[name] = values
	}
	rw.WriteHeader(answer.Code)
	_, _ = answer.Body.WriteTo(rw)
}

// arrived names a call and returns what befalls it.
func (w *wire) arrived(target string, body []byte) mishap {
	var about struct {
		SecretId, TableName, IndexName string //nolint:revive // AWS's names
		Key                            struct {
			ID struct{ N string } `json:"transaction_id"`
		}
		RequestItems map[string]json.RawMessage // by table
	}
	_ = json.Unmarshal(body, &about) // a call is about a secret or a table
	for table := range about.RequestItems {
		about.TableName = table
	}
	_, operation, _ := strings.Cut(target, ".")
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counted[operation]++
	c := call{
		name:      fmt.Sprintf("%s %d", operation, w.counted[operation]),
		operation: operation,
		document:  about.SecretId[strings.LastIndex(about.SecretId, "/")+1:],
		table:     about.TableName,
		index:     about.IndexName,
		id:        about.Key.ID.N,
	}
	w.calls = append(w.calls, c.name)
	if operation == "PutEvents" {
		w.events = append(w.events, body)
	}
	if w.fate == nil {
		return nil
	}
	return w.fate(c)
}

// park keeps a call that is on its way, for deliver.
func (w *wire) park(do carry) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.parked = append(w.parked, do)
}

// deliver brings the parked calls to AWS and returns how many there were.
func (w *wire) deliver() int {
	w.mu.Lock()
	parked := w.parked
	w.parked = nil
	w.mu.Unlock()
	for _, do := range parked {
		do()
	}
	return len(parked)
}

// takeEvents returns what PutEvents was asked for since it was called last.
func (w *wire) takeEvents() [][]byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	events := w.events
	w.events = nil
	return events
}
