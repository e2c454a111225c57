package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"tokenrefresh/internal/moto"
)

// wire is a function's way to AWS. It names the calls as they arrive by operation and
// number ("UpdateItem 2"), and lets a mishap befall one of them.
type wire struct {
	URL string
	aws *moto.Server

	busy sync.RWMutex // read-locked by a call under way

	mu      sync.Mutex
	calls   []string       // names, in order of arrival
	counted map[string]int // calls by operation
	mishaps map[string]mishap
	fromOn  bool   // what befalls one call befalls all that follow
	ongoing mishap // it does
	parked  []carry
}

// carry brings a call to AWS and returns the answer.
type carry func() *httptest.ResponseRecorder

// mishap is what becomes of a call; a nil answer cuts the connection.
type mishap func(do carry) *httptest.ResponseRecorder

func newWire(t *testing.T, aws *moto.Server) *wire {
	t.Helper()
	w := &wire{aws: aws}
	w.reset()
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	w.URL = server.URL
	return w
}

// expect counts from here on and lets m befall the first call of that name.
func (w *wire) expect(name string, m mishap) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reset()
	w.mishaps[name] = m
}

// expectFrom counts from here on and lets m befall the first call of one of the
// names, and all after it.
func (w *wire) expectFrom(m mishap, names ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reset()
	w.fromOn = true
	for _, name := range names {
		w.mishaps[name] = m
	}
}

// reset lets all calls pass and counts anew. The caller holds mu.
func (w *wire) reset() {
	w.calls, w.counted, w.mishaps = nil, map[string]int{}, map[string]mishap{}
	w.fromOn, w.ongoing = false, nil
}

// clear waits for the calls that are under way, as those of a process that was
// killed, lets all later ones pass, and returns the calls so far.
func (w *wire) clear() []string {
	w.busy.Lock()
	defer w.busy.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	calls := w.calls
	w.reset()
	return calls
}

// ServeHTTP implements http.Handler.
func (w *wire) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.busy.RLock()
	defer w.busy.RUnlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the function is gone
	}
	// A call that AWS has begun ends there, whatever becomes of the caller.
	request := r.Clone(context.WithoutCancel(r.Context()))
	request.Body = io.NopCloser(bytes.NewReader(body))
	do := func() *httptest.ResponseRecorder {
		answer := httptest.NewRecorder()
		w.aws.ServeHTTP(answer, request)
		return answer
	}
	answer := w.arrived(r)(do)
	if answer == nil {
		panic(http.ErrAbortHandler)
	}
	for name, values := range answer.Header() {
		rw.Header()[name] = values
	}
	rw.WriteHeader(answer.Code)
	_, _ = answer.Body.WriteTo(rw)
}

// arrived names a call and returns what becomes of it.
func (w *wire) arrived(r *http.Request) mishap {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counted[operation]++
	name := fmt.Sprintf("%s %d", operation, w.counted[operation])
	w.calls = append(w.calls, name)
	m := w.mishaps[name]
	if w.fromOn && m != nil {
		w.ongoing = m
	}
	if w.ongoing != nil {
		return w.ongoing
	}
	if m != nil {
		return m
	}
	return func(do carry) *httptest.ResponseRecorder { return do() }
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

// The mishaps that leave the function alive.

// refused: AWS is in trouble and does nothing.
func refused(carry) *httptest.ResponseRecorder {
	return failure(http.StatusInternalServerError, "InternalServiceError")
}

// throttled: AWS does nothing.
func throttled(carry) *httptest.ResponseRecorder {
	return failure(http.StatusBadRequest, "ThrottlingException")
}

// dropped: the call doesn't reach AWS.
func dropped(carry) *httptest.ResponseRecorder { return nil }

// unanswered: AWS does it, and nobody hears.
func unanswered(do carry) *httptest.ResponseRecorder {
	do()
	return nil
}

func failure(status int, kind string) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	answer.Header().Set("Content-Type", "application/x-amz-json-1.1")
	answer.Code = status
	_, _ = answer.Body.WriteString(`{"__type":"` + kind + `"}`)
	return answer
}
