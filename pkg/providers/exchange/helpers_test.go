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
	"net/url"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/exchange"
)

// planted are the values that no error may show.
var planted = []string{"planted-token", "planted-header", "planted-query", "planted-reply"}

func request(tb testing.TB, address string) exchange.Request {
	tb.Helper()
	u, err := url.Parse(address + "/path?q=planted-query")
	assert.NilError(tb, err)
	return exchange.Request{
		Provider: "acme", Op: "refresh", URL: u,
		Header:  http.Header{"X-Api-Key": {"planted-header"}},
		Payload: map[string]string{"token": "planted-token"},
	}
}

// wantError checks the kind of err and that it shows nothing planted.
func wantError(tb testing.TB, err error, kind providers.Kind, hint string) providers.Error {
	tb.Helper()
	var e *providers.Error
	assert.Assert(tb, errors.As(err, &e), "err = %v, want a *providers.Error", err)
	assert.Check(tb, e.Kind == kind, "kind = %s, want %s: %v", e.Kind, kind, err)
	assert.Check(tb, strings.Contains(e.Error(), hint), "the error does not say %q: %v", hint, err)
	assert.Check(tb, e.Provider == "acme" && e.Op == "refresh", "the error is of %s %s", e.Provider, e.Op)
	assert.Check(tb, (kind == providers.NotSent) == e.Sent.IsZero(), "kind %s, but sent at %v", e.Kind, e.Sent)
	text := fmt.Sprintf("%v %+v %#v %s", err, err, *e, err)
	for _, value := range planted {
		assert.Check(tb, !strings.Contains(text, value), "the error shows %q: %s", value, text)
	}
	return *e
}

// serve starts a server whose handler runs with the request read.
func serve(tb testing.TB, handler http.HandlerFunc) *httptest.Server {
	tb.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		handler(w, r)
	}))
	tb.Cleanup(server.Close)
	return server
}

// serveBytes starts a server that answers each request with exactly the answer and
// then hangs up.
func serveBytes(tb testing.TB, answer string) *httptest.Server {
	tb.Helper()
	return serve(tb, func(w http.ResponseWriter, _ *http.Request) {
		raw, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			tb.Error(err)
			return
		}
		_, _ = io.WriteString(raw, answer)
		_ = raw.Close()
	})
}

// pipeTo makes a client whose connections end in peer, which is handed the other end
// of each.
func pipeTo(o exchange.Options, peer func(conn net.Conn, requests *bufio.Reader)) *exchange.Client {
	client := exchange.New(o)
	client.DialWith(func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		go func() {
			defer func() { _ = far.Close() }()
			peer(far, bufio.NewReader(far))
		}()
		return near, nil
	})
	return client
}

// readRequest takes one request off the wire.
func readRequest(requests *bufio.Reader) error {
	r, err := http.ReadRequest(requests)
	if err == nil {
		_, err = io.Copy(io.Discard, r.Body)
	}
	return err
}

const okAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
