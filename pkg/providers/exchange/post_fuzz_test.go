package exchange_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"tokenrefresh/internal/plant"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/exchange"
)

// FuzzPost: any bytes from the server are an answer to judge, or an error that shows nothing of
// them.
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
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 5, 5\r\n\r\n" + body,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\nContent-Type: a/b; charset=latin1\r\n\r\n2\r\n\xe8}\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\n\r\n\xff\xfe{\x00}\x00", "HTTP/1.1 200 OK\nContent-Length: -1\n\n{}",
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
			checkReply(t, reply, now)
		case !errors.As(err, &e):
			t.Errorf("%T: %v", err, err)
		case e.Kind != providers.Unknown || e.Status != 0 || !e.Sent.Equal(now) || !e.Raw.IsZero():
			t.Errorf("kind %s of status %d, sent at %s: %v", e.Kind, e.Status, e.Sent, err)
		}
	})
}

func checkReply(t *testing.T, reply exchange.Reply, now time.Time) {
	t.Helper()
	switch {
	case reply.Status < 0 || reply.Status > 999, len(reply.Body.Reveal()) > 2<<20, !reply.Sent.Equal(now):
		t.Errorf("an answer of status %d and %d bytes sent at %s", reply.Status, len(reply.Body.Reveal()), reply.Sent)
	case reply.RetryAfter != 0 && (reply.RetryAfter < time.Second || reply.RetryAfter > time.Hour):
		t.Errorf("wait for %s", reply.RetryAfter)
	case plant.Shown(reply, reply.Odd):
		t.Errorf("the reply shows itself: %v", reply)
	case reply.Cut == nil:
	case reply.Cut.Kind != providers.Unknown || reply.Cut.Status != reply.Status || plant.Shown(reply.Cut):
		t.Errorf("cut: %v", reply.Cut)
	}
}

// closeTold is a connection that signals when it is closed.
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
