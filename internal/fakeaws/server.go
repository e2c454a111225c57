package fakeaws

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"tokenrefresh/internal/authority"
)

// Call is one request as a server saw it.
type Call struct {
	Op         string // AWS's operation and its table, else method and path
	Start, End time.Time
}

// Server serves a handler over TLS on loopback, with a settable latency. It counts calls and
// connections. It speaks HTTP/1.1 only, as the endpoints of AWS do.
type Server struct {
	*httptest.Server

	mu          sync.Mutex
	latency     time.Duration
	calls       []Call
	connections int
}

// Serve serves handler until Close. ca signs the server's certificate.
func Serve(ca *authority.Authority, handler http.Handler) (*Server, error) {
	certificate, err := ca.Issue()
	if err != nil {
		return nil, err
	}
	s := &Server{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		call := Call{Op: operation(r), Start: time.Now()}
		s.mu.Lock()
		latency := s.latency
		s.mu.Unlock()
		time.Sleep(latency)
		handler.ServeHTTP(w, r)
		call.Op, call.End = strings.TrimSpace(call.Op+" "+w.Header().Get(tableHeader)), time.Now()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.calls = append(s.calls, call)
	}))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes end when a measured process does
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.connections++
		}
	}
	s.StartTLS()
	return s, nil
}

// operation names a request.
func operation(r *http.Request) string {
	if _, name, found := strings.Cut(r.Header.Get("X-Amz-Target"), "."); found {
		return name
	}
	return r.Method + " " + r.URL.Path
}

// SetLatency makes every call from now on take d longer.
func (s *Server) SetLatency(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.latency = d
}

// Connections counts the connections accepted so far.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connections
}

// TakeCalls returns the calls that ended since it was last called.
func (s *Server) TakeCalls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := s.calls
	s.calls = nil
	return calls
}
