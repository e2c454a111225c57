// Package endpoint serves a handler over TLS on loopback the way a remote service
// would look to a client, with a settable latency, and keeps count of the calls
// and of the connections.
package endpoint

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Call is one request as the server saw it.
type Call struct {
	Service    string
	Op         string // the operation of X-Amz-Target, or method and path
	Start, End time.Time
}

// Endpoint is a running server. It speaks HTTP/1.1 only, as the endpoints of
// Secrets Manager and DynamoDB do.
type Endpoint struct {
	name    string
	url     string
	server  *http.Server
	latency atomic.Int64
	conns   atomic.Int64

	mu    sync.Mutex
	calls []Call
}

// Start serves handler until Close. ca signs the server's certificate.
func Start(ctx context.Context, ca *Authority, name string, handler http.Handler) (*Endpoint, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for %s: %w", name, err)
	}
	e := &Endpoint{name: name, url: "https://" + listener.Addr().String()}
	e.server = &http.Server{
		Handler:           e.counted(handler),
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{ca.leaf}, MinVersion: tls.VersionTLS12},
		Protocols:         new(http.Protocols),
		ReadHeaderTimeout: time.Minute,
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				e.conns.Add(1)
			}
		},
	}
	e.server.Protocols.SetHTTP1(true)
	go func() { _ = e.server.ServeTLS(listener, "", "") }()
	return e, nil
}

// counted records each call and holds it for the latency, its own work included.
func (e *Endpoint) counted(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		op := r.Method + " " + r.URL.Path
		if target := r.Header.Get("X-Amz-Target"); target != "" {
			op = target[strings.LastIndexByte(target, '.')+1:]
		}
		if d := time.Duration(e.latency.Load()); d > 0 {
			time.Sleep(d)
		}
		handler.ServeHTTP(w, r)
		e.mu.Lock()
		defer e.mu.Unlock()
		e.calls = append(e.calls, Call{Service: e.name, Op: op, Start: start, End: time.Now()})
	})
}

// URL is the server's base address.
func (e *Endpoint) URL() string { return e.url }

// SetLatency makes every call from now on take d longer.
func (e *Endpoint) SetLatency(d time.Duration) { e.latency.Store(int64(d)) }

// Connections counts the connections accepted so far.
func (e *Endpoint) Connections() int { return int(e.conns.Load()) }

// TakeCalls returns the calls that ended since it was last called.
func (e *Endpoint) TakeCalls() []Call {
	e.mu.Lock()
	defer e.mu.Unlock()
	calls := e.calls
	e.calls = nil
	return calls
}

// Close ends the server and its connections.
func (e *Endpoint) Close() { _ = e.server.Close() }
