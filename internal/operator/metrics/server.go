package metrics

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tokenrefresh/pkg/release"
)

// DefaultAddress is on loopback: others must not see the names of accounts.
const DefaultAddress = "127.0.0.1:9402"

// Server serves /metrics and /healthz.
type Server struct {
	Runs     *Runs
	registry *prometheus.Registry
	look     *Credentials
}

// NewServer makes a server that looks at the credentials with look.
func NewServer(look Look, now func() time.Time) *Server {
	s := &Server{registry: prometheus.NewRegistry(), look: &Credentials{Look: look, Now: now}}
	s.Runs = NewRuns(s.registry, now)
	promauto.With(s.registry).NewGauge(prometheus.GaugeOpts{
		Name: "tokenrefresh_build_info", Help: "1, with the release as a label.",
		ConstLabels: prometheus.Labels{"version": release.Version},
	}).Set(1)
	s.registry.MustRegister(s.look, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return s
}

// Handler serves both paths.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		if err := s.healthy(context.WithoutCancel(r.Context())); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = fmt.Fprintln(w, "ok")
	})
	return mux
}

// healthy is an error if this process does not do its work: a run hangs, or the state cannot be
// read. A credential that waits for a person is no error: a new process would not help.
func (s *Server) healthy(ctx context.Context) error {
	if err := s.Runs.Alive(); err != nil {
		return err
	}
	_, err := s.look.look(ctx, s.look.Now())
	return err
}

// The limits of a connection.
const (
	readWithin  = 5 * time.Second
	writeWithin = 15 * time.Second
)

// Serve serves connections of listener until ctx ends.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: readWithin, WriteTimeout: writeWithin}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	err := server.Serve(listener)
	if ctx.Err() != nil {
		return nil
	}
	return err
}
