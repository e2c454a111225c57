package exchange_test

import (
	"bufio"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/plant"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/exchange"
)

// FuzzPost: any bytes from the server are an answer to judge, or an error that shows nothing of
// them, however they are cut into pieces.
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
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, answer []byte) {
		whole := post(t, answer, len(answer), now)
		pieces := post(t, answer, 1+len(answer)/7, now)
		// What comes behind the length of an answer counts only if it comes with its end.
		if whole.Status != pieces.Status || !strings.HasPrefix(whole.Body.Reveal(), pieces.Body.Reveal()) ||
			whole.Body != pieces.Body && len(whole.Odd) == 0 {
			t.Errorf("as a whole %+v, in pieces %+v", whole, pieces)
		}
	})
}

// post gets an answer that comes in pieces of that size, and checks what becomes of it.
func post(t *testing.T, answer []byte, size int, now time.Time) exchange.Reply {
	t.Helper()
	client := pipeTo(exchange.Options{Now: func() time.Time { return now }}, func(conn net.Conn, requests *bufio.Reader) {
		if readRequest(requests) == nil {
			for piece := range slices.Chunk(answer, max(size, 1)) {
				_, _ = conn.Write(piece)
			}
		}
	})
	reply, err := client.Post(t.Context(), request(t, "http://127.0.0.1:80"))
	assert.Check(t, !plant.Shown(err), "the error shows the answer: %v", err)
	var e *providers.Error
	switch {
	case err == nil:
		checkReply(t, reply, now)
	case !errors.As(err, &e):
		t.Errorf("%T: %v", err, err)
	case e.Kind != providers.Unknown || e.Status != 0 || !e.Sent.Equal(now) || !e.Raw.IsZero():
		t.Errorf("kind %s of status %d, sent at %s: %v", e.Kind, e.Status, e.Sent, err)
	}
	return reply
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
