package exchange

import (
	"bytes"
	"strings"
	"testing"
)

// FuzzHead: however an answer is cut into pieces, the result is the same, and nothing of a body is
// lost.
func FuzzHead(f *testing.F) {
	for _, answer := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\n\n{}", "",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n{}", "HTTP/1.1 101 X\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "x\n\n\n\n",
		"\r\nhttp/2 200\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}}", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{}",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\n{}\n0\n\n",
	} {
		f.Add([]byte(answer), uint8(3))
	}
	f.Fuzz(func(t *testing.T, answer []byte, piece uint8) {
		answer = answer[:min(len(answer), 2<<10)]
		whole, chunks := through(answer, len(answer))
		pieces, _ := through(answer, int(piece))
		if !chunks && !bytes.Equal(whole, pieces) {
			t.Errorf("%q became %q, in pieces of %d %q", answer, whole, piece, pieces)
		}
		answer = bytes.TrimLeft(answer, "\r\n")
		repaired, _ := repair(answer)
		if _, after := headEnd(answer); after >= 0 && !chunks && !informational(repaired) && !bytes.HasSuffix(whole, answer[after:]) {
			t.Errorf("%q became %q: the body is another", answer, whole)
		}
		if n := strings.Count(string(repaired), "\r\nTransfer-Encoding:"); n > 1 {
			t.Errorf("%d transfer encodings", n)
		}
	})
}

// through sends an answer through a head in pieces of n bytes, and returns what comes out and what
// is kept beyond its length. chunks: the body was put into new chunks.
func through(answer []byte, n int) (all []byte, chunks bool) {
	var h head
	var out []byte
	for rest := answer; len(rest) > 0; {
		size := min(max(n, 1), len(rest))
		h.add(rest[:size])
		for h.complete {
			p := make([]byte, 16)
			out = append(out, p[:h.read(p)]...)
		}
		rest = rest[size:]
	}
	h.end()
	return append(append(out, h.buffered...), h.body.extra...), h.body.plain
}
