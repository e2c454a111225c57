package exchange_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/exchange"
)

// net/http sends a request again when a kept connection dies under it, if only it
// can rewind the body. With a single-use token that would burn the chain.
func TestDyingConnectionGetsTheRequestOnce(t *testing.T) {
	t.Parallel()
	var requests atomic.Int32
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if requests.Add(1) == 1 {
			_, _ = io.WriteString(w, "{}")
			return
		}
		raw, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_ = raw.Close()
	})
	client := exchange.New(exchange.Options{})
	_, err := client.Post(t.Context(), request(t, server.URL))
	assert.NilError(t, err)
	_, err = client.Post(t.Context(), request(t, server.URL))
	wantError(t, err, providers.Unknown, "")
	n := requests.Load()
	assert.Check(t, n == 2, "the server saw %d requests, want 2", n)
}

// failingConn is a kept connection whose writes fail after the first request.
type failingConn struct {
	net.Conn
	requests int
	left     int // how many bytes of the second request leave
}

func (c *failingConn) Write(p []byte) (int, error) {
	c.requests++
	if c.requests == 1 {
		return c.Conn.Write(p)
	}
	return min(c.left, len(p)), errors.New("broken pipe")
}

func TestWriteThatFailsOnAKeptConnection(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		left int
		kind providers.Kind
		hint string
	}{
		"nothing left":  {0, providers.NotSent, "was lost before the request left"},
		"one byte left": {1, providers.Unknown, "before the whole answer came"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dials := 0
			client := exchange.New(exchange.Options{})
			client.DialWith(func(context.Context, string, string) (net.Conn, error) {
				dials++
				near, far := net.Pipe()
				t.Cleanup(func() { _ = far.Close() })
				go func() {
					requests := bufio.NewReader(far)
					for readRequest(requests) == nil {
						_, _ = io.WriteString(far, okAnswer)
					}
				}()
				return &failingConn{Conn: near, left: tc.left}, nil
			})
			_, err := client.Post(t.Context(), request(t, "http://kept.example"))
			assert.NilError(t, err)
			_, err = client.Post(t.Context(), request(t, "http://kept.example"))
			wantError(t, err, tc.kind, tc.hint)
			assert.Check(t, dials == 1, "%d connections: the second request went elsewhere", dials)
			_, err = client.Post(t.Context(), request(t, "http://kept.example"))
			assert.Check(t, err == nil, "the client did not recover: %v", err)
		})
	}
}

func TestConnectionsAreReusedForFiveSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var dials atomic.Int32
		client := pipeTo(exchange.Options{}, func(conn net.Conn, requests *bufio.Reader) {
			dials.Add(1)
			for readRequest(requests) == nil {
				_, _ = io.WriteString(conn, okAnswer)
			}
		})
		for i, step := range []struct {
			wait  time.Duration
			dials int32
		}{{0, 1}, {0, 1}, {4 * time.Second, 1}, {4 * time.Second, 1}, {6 * time.Second, 2}, {time.Second, 2}} {
			time.Sleep(step.wait)
			_, err := client.Post(t.Context(), request(t, "http://kept.example"))
			assert.NilError(t, err)
			n := dials.Load()
			assert.Check(t, n == step.dials, "call %d: %d connections, want %d", i, n, step.dials)
		}
		time.Sleep(6 * time.Second) // the bubble ends when the last connection is closed
	})
}

// A sweep of many workers that keeps only two connections shakes hands all day. The test counts
// connections, because on loopback the time shows nothing.
func TestConnectionsOfManyWorkersAreKept(t *testing.T) {
	t.Parallel()
	const workers, calls = 32, 32
	var opened atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = fmt.Fprintf(w, `{"x":%q}`, strings.Repeat("x", 4000))
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	client := exchange.New(exchange.Options{Timeout: time.Minute})
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for range calls {
				_, err := client.Post(t.Context(), request(t, server.URL))
				assert.Check(t, err)
			}
		})
	}
	group.Wait()
	n := opened.Load()
	assert.Check(t, n <= workers, "%d connections for %d calls of %d workers", n, workers*calls, workers)
}
