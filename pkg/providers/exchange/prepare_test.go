package exchange_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/spare"
)

// A request of a single-use token leaves on a connection that was prepared only while it is
// young.
func TestPreparedConnectionIsUsedForFiveSeconds(t *testing.T) {
	t.Parallel()
	ca := (*authority)(nil).issue(t, isCA)
	roots := x509.NewCertPool()
	roots.AddCert(ca.certificate)
	config := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{chain(ca.issue(t, isLeaf))}}
	now := time.Now() // synctest has another
	for idle, dials := range map[time.Duration]int32{0: 1, spare.MaxIdle - 1: 1, spare.MaxIdle: 2, time.Hour: 2} {
		synctest.Test(t, func(t *testing.T) {
			var dialled, requests atomic.Int32
			client := pipeTo(exchange.Options{RootCAs: roots}, func(conn net.Conn, _ *bufio.Reader) {
				dialled.Add(1)
				secure := tls.Server(conn, config)
				from := bufio.NewReader(secure)
				for readRequest(from) == nil {
					requests.Add(1)
					_, _ = io.WriteString(secure, okAnswer)
				}
			})
			client.ClockOfTLS(func() time.Time { return now })
			r := request(t, "https://provider.example")
			client.Prepare(t.Context(), r.URL)
			assert.Assert(t, dialled.Load() == 1 && requests.Load() == 0,
				"prepared by %d connections and %d requests", dialled.Load(), requests.Load())
			time.Sleep(idle)
			_, err := client.Post(t.Context(), r)
			assert.NilError(t, err)
			assert.Check(t, dialled.Load() == dials && requests.Load() == 1,
				"after %v: %d connections and %d requests, want %d and 1", idle, dialled.Load(), requests.Load(), dials)
			time.Sleep(time.Minute) // the bubble ends when the last connection is closed
		})
	}
}

// A server that hangs up at once costs no token: the request takes another connection.
func TestPreparedConnectionThatTheServerHasClosed(t *testing.T) {
	t.Parallel()
	var requests, connections atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "{}")
	}))
	prepared := make(chan net.Conn, 2)
	server.Config.ConnState = func(c net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
			prepared <- c
		}
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	transport, _ := server.Client().Transport.(*http.Transport)
	client := exchange.New(exchange.Options{RootCAs: transport.TLSClientConfig.RootCAs})
	r := request(t, server.URL)
	client.Prepare(t.Context(), r.URL)
	_ = (<-prepared).Close()
	_, err := client.Post(t.Context(), r)
	assert.NilError(t, err)
	assert.Check(t, connections.Load() == 2 && requests.Load() == 1,
		"%d connections and %d requests, want 2 and 1", connections.Load(), requests.Load())
}

func TestPrepareFailsInSilence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := exchange.New(exchange.Options{})
		began := time.Now()
		client.DialWith(func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done() // a network that is away
			return nil, ctx.Err()
		})
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		client.Prepare(ctx, request(t, "https://provider.example").URL)
		took := time.Since(began)
		assert.Check(t, took == 300*time.Millisecond, "it took %v", took)
		client.DialWith(func(context.Context, string, string) (net.Conn, error) {
			t.Error("a connection without TLS was opened")
			return nil, io.EOF
		})
		client.Prepare(t.Context(), request(t, "http://127.0.0.1:1").URL)
	})
}
