package spare

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/authority"
)

// both are the configurations of a server and of its client.
func both(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	ca, err := authority.New()
	assert.NilError(t, err)
	certificate, err := ca.Issue("host.example")
	assert.NilError(t, err)
	now := time.Now() // synctest has another
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}},
		&tls.Config{MinVersion: tls.VersionTLS12, RootCAs: ca.Pool(), ServerName: "host.example", Time: func() time.Time { return now }}
}

// shaken shakes hands over near and far, and returns our end and the server's.
func shaken(t *testing.T, server, client *tls.Config, near, far net.Conn) (ours, theirs *tls.Conn) {
	t.Helper()
	ours, theirs = tls.Client(near, client), tls.Server(far, server)
	t.Cleanup(func() { _, _ = near.Close(), far.Close() })
	go func() { _ = theirs.HandshakeContext(context.Background()) }() // which ends when its tickets are read
	assert.NilError(t, ours.HandshakeContext(t.Context()))
	return ours, theirs
}

// sockets are the ends of a TCP connection.
func sockets(t *testing.T) (near, far net.Conn) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	assert.NilError(t, err)
	defer func() { _ = listener.Close() }()
	near, err = (&net.Dialer{}).DialContext(t.Context(), "tcp", listener.Addr().String())
	assert.NilError(t, err)
	far, err = listener.Accept()
	assert.NilError(t, err)
	return near, far
}

// echoed reports whether bytes written to a connection come back.
func echoed(t *testing.T, ours, theirs *tls.Conn) bool {
	t.Helper()
	go func() { _, _ = io.CopyN(theirs, theirs, 4) }()
	if _, err := ours.Write([]byte("ping")); err != nil {
		t.Error(err)
		return false
	}
	answer := make([]byte, 4)
	_, err := io.ReadFull(ours, answer)
	return err == nil && string(answer) == "ping"
}

func TestTakeWithinMaxIdle(t *testing.T) {
	t.Parallel()
	server, client := both(t)
	for after, want := range map[time.Duration]bool{
		0: true, time.Second: true, MaxIdle - 1: true, MaxIdle: false, MaxIdle + 1: false, time.Hour: false,
	} {
		synctest.Test(t, func(t *testing.T) {
			near, far := net.Pipe()
			ours, theirs := shaken(t, server, client, near, far)
			var c Conns
			c.Keep("host.example:443", ours)
			time.Sleep(after)
			assert.Check(t, c.Take("other.example:443") == nil, "a connection to another address")
			switch got := c.Take("host.example:443"); {
			case got != nil && (got != ours || !echoed(t, ours, theirs)):
				t.Errorf("after %v: the connection does not work", after)
			case (got != nil) != want:
				t.Errorf("after %v: taken: %t", after, got != nil)
			}
			if !want {
				_, _ = io.Copy(io.Discard, far) // which ends when the connection is closed
			}
			assert.Check(t, c.Take("host.example:443") == nil, "the same connection twice")
		})
	}
}

// A server hangs up when it likes. The request that found out would be lost.
func TestConnectionsThatTheServerHasClosed(t *testing.T) {
	t.Parallel()
	server, client := both(t)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		config := client.Clone()
		config.MaxVersion = version
		for name, tt := range map[string]struct {
			end  func(theirs *tls.Conn) error
			want bool
		}{
			"open":         {func(theirs *tls.Conn) error { return theirs.HandshakeContext(t.Context()) }, true},
			"closed":       {func(theirs *tls.Conn) error { return theirs.Close() }, false},
			"cut":          {func(theirs *tls.Conn) error { return theirs.NetConn().Close() }, false},
			"spoken first": {func(theirs *tls.Conn) error { _, err := theirs.Write([]byte("x")); return err }, false},
		} {
			near, far := sockets(t)
			ours, theirs := shaken(t, server, config, near, far)
			var c Conns
			c.Keep("a", ours)
			err := tt.end(theirs)
			assert.Assert(t, err == nil, "%s: %v", name, err)
			got := c.Take("a")
			// Tickets of the handshake may be on their way: then the connection is not quiet yet.
			if got != nil && !tt.want || tt.want && version == tls.VersionTLS12 && (got == nil || !echoed(t, ours, theirs)) {
				t.Errorf("%s, TLS %x: taken: %t", name, version, got != nil)
			}
		}
	}
}

// While a process is frozen, one of its clocks may stand still.
func TestBothClocksCount(t *testing.T) {
	t.Parallel()
	since := time.Now()
	for _, tt := range []struct {
		passed time.Duration // by the monotonic clock
		jumped time.Duration // by the wall clock alone
		want   bool
	}{
		{time.Second, 0, true},
		{MaxIdle, 0, false},
		{time.Millisecond, time.Hour, false},
		{time.Millisecond, -time.Hour, false},
		{time.Hour, -time.Hour, false},
	} {
		now := since.Add(tt.passed)
		got := fresh(since, now) && within(now.Round(0).Sub(since.Round(0))+tt.jumped)
		assert.Check(t, got == tt.want, "%v later by one clock and %v more by the other: %t", tt.passed, tt.jumped, got)
	}
}
