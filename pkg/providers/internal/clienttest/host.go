package clienttest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"gotest.tools/v3/assert"
)

// Host is a running host.
type Host struct {
	URL   string
	mu    sync.Mutex
	calls []Call
}

// Call is a request that came.
type Call struct {
	Method, Path, Body string
	Header             http.Header
}

// Answer is the host's answer; header lines by name.
type Answer struct {
	Status int
	Body   string
	Header map[string]string
}

// New starts a host that gives answer and ends with the test.
func New(tb testing.TB, answer Answer) *Host {
	tb.Helper()
	h := &Host{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.Check(tb, err == nil, "cannot read the request: %v", err)
		h.mu.Lock()
		h.calls = append(h.calls, Call{Method: r.Method, Path: r.URL.RequestURI(), Body: string(body), Header: r.Header})
		h.mu.Unlock()
		for name, value := range answer.Header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(answer.Status)
		_, _ = io.WriteString(w, answer.Body)
	}))
	tb.Cleanup(server.Close)
	h.URL = server.URL
	return h
}

// Calls are the requests so far.
func (h *Host) Calls() []Call {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.calls)
}
