// Package wire serves small requests over TLS on loopback for as little processor
// time as that takes: on a machine that is shared with the program under test, what
// the servers need is missing there. It speaks as much HTTP/1.1 as that program
// does, and keeps count of calls, of the time they took and of connections.
package wire

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// Handler answers requests. It is called by many goroutines at once.
type Handler interface {
	// Answer appends the body of the answer to reply, which it may not keep, like r.
	// op is the name to count the call by.
	Answer(r Request, reply []byte) (op string, status int, body []byte)
}

// Server is a running server.
type Server struct {
	handler     Handler
	latency     time.Duration
	contentType string
	listener    net.Listener
	tls         *tls.Config
	group       sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]struct{} // open ones
	stats Stats
	err   error
}

// Options say how a server behaves.
type Options struct {
	Certificate tls.Certificate
	ContentType string
	// Latency is how long each call takes, from the request's last byte to the first of
	// the answer; the handler's work is within it.
	Latency time.Duration
}

// Start serves handler until Close.
func Start(ctx context.Context, o Options, handler Handler) (*Server, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	s := &Server{
		handler: handler, latency: o.Latency, contentType: o.ContentType, listener: listener,
		tls:   &tls.Config{Certificates: []tls.Certificate{o.Certificate}, MinVersion: tls.VersionTLS12},
		conns: map[net.Conn]struct{}{},
	}
	s.group.Go(s.accept)
	return s, nil
}

// URL is the server's base address.
func (s *Server) URL() string { return "https://" + s.listener.Addr().String() }

// Close ends the server and its connections. The error is the first request that
// could not be understood.
func (s *Server) Close() error {
	_ = s.listener.Close()
	s.mu.Lock()
	for c := range s.conns {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.group.Wait()
	return s.err
}

func (s *Server) accept() {
	for {
		raw, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns[raw] = struct{}{}
		s.stats.Connections++
		s.mu.Unlock()
		s.group.Go(func() {
			err := s.serve(raw)
			_ = raw.Close()
			s.mu.Lock()
			defer s.mu.Unlock()
			delete(s.conns, raw)
			if _, bad := errors.AsType[*malformedError](err); bad && s.err == nil {
				s.err = err
			}
		})
	}
}

// serve answers the requests of one connection, one after the other.
func (s *Server) serve(raw net.Conn) error {
	timer, err := newTimer()
	if err != nil {
		return err
	}
	defer timer.close()
	conn := tls.Server(raw, s.tls)
	in := bufio.NewReaderSize(conn, readAhead)
	var request, reply, out []byte
	for {
		r, buffer, err := read(in, request)
		if err != nil {
			return err
		}
		start := time.Now()
		op, status, body := s.handler.Answer(r, reply[:0])
		out = s.answer(out[:0], status, body)
		if err := timer.wait(s.latency - time.Since(start)); err != nil {
			return err
		}
		s.count(op, start, time.Now())
		if _, err := conn.Write(out); err != nil {
			return err
		}
		request, reply = buffer, body
	}
}
