package exchange_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"tokenrefresh/internal/plant"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/exchange"
)

// FuzzPost: whatever comes down the wire is an answer that the caller has to judge, or
// an error of the right kind that shows nothing of it.
func FuzzPost(f *testing.F) {
	const body = `{"access_token":"` + plant.Marker + `"}`
	for _, answer := range []string{
		okAnswer,
		"HTTP/1.1 200 OK\r\nDate: Sat, 21 Nov 2026 12:00:03 GMT\r\nConnection: close\r\n\r\n" + body,
		"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n" + body,
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n" + body,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n" + body,
		"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + body,
		"HTTP/1.1 204 No Content\r\n\r\n",
		"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}",
		"HTTP/1.1 429 \r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 425 Too Early\r\nDate: Sat, 21 Nov 2026 12:00:03 GMT\r\nRetry-After: Sat, 21 Nov 2026 12:01:03 GMT\r\n\r\n" + body,
		"HTTP/1.1 307 \r\nLocation: https://" + plant.Marker + ".example\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 \r\n\r\n" + body,
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n" + body,
		"HTTP/1.1 200 OK\r\n" + plant.Marker + "\r\n\r\n", plant.Marker, "HTTP/1.1 " + plant.Marker + " OK\r\n\r\n", "",
	} {
		f.Add([]byte(answer))
	}
	log.SetOutput(io.Discard) // where net/http tells of bytes behind an answer
	f.Cleanup(func() { log.SetOutput(os.Stderr) })
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, answer []byte) {
		client := exchange.New(exchange.Options{Now: func() time.Time { return now }})
		closed := answerWith(client, answer)
		reply, err := client.Post(t.Context(), request(t, "http://127.0.0.1:80"))
		<-closed
		if plant.Shown(err) {
			t.Errorf("the error shows the answer: %v", err)
		}
		var e *providers.Error
		switch {
		case err == nil:
			if !reply.Success() && (reply.Status < 400 || reply.Status > 499) || len(reply.Body.Reveal()) > 1<<20 || !reply.Sent.Equal(now) {
				t.Errorf("an answer of status %d and %d bytes sent at %s", reply.Status, len(reply.Body.Reveal()), reply.Sent)
			}
			for _, status := range []int{http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests} {
				if reply.Status == status {
					t.Errorf("a status of %d is left to the caller", status)
				}
			}
		case !errors.As(err, &e):
			t.Errorf("%T: %v", err, err)
		case !e.Sent.Equal(now):
			t.Errorf("sent at %s: %v", e.Sent, err)
		case e.RetryAfter != 0 && (e.RetryAfter < time.Second || e.RetryAfter > 365*24*time.Hour):
			t.Errorf("wait for %s: %v", e.RetryAfter, err)
		case !e.Raw.IsZero() && (e.Kind != providers.Unknown || e.Status < 200 || e.Status > 299):
			t.Errorf("the body of status %d is kept: %v", e.Status, err)
		case e.Kind != kindOf(e.Status):
			t.Errorf("kind %s: %v", e.Kind, err)
		}
	})
}

// kindOf is the kind of an error of that status; 0: the answer has none.
func kindOf(status int) providers.Kind {
	switch {
	case status == http.StatusTooManyRequests, status == http.StatusTooEarly:
		return providers.RateLimited
	case status >= 300 && status < 400:
		return providers.Misconfigured
	}
	return providers.Unknown
}

// closeTold is a connection that tells when it is closed.
type closeTold struct {
	net.Conn
	once   sync.Once
	closed chan struct{}
}

func (c *closeTold) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// answerWith lets client's one connection end in a peer that answers the request with
// exactly the answer and then hangs up. The channel is closed when client is done with it.
func answerWith(client *exchange.Client, answer []byte) <-chan struct{} {
	closed := make(chan struct{})
	client.DialWith(func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		go func() {
			defer func() { _ = far.Close() }()
			if readRequest(bufio.NewReader(far)) == nil {
				_, _ = far.Write(answer)
			}
		}()
		return &closeTold{Conn: near, closed: closed}, nil
	})
	return closed
}
