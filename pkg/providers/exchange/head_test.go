package exchange

import (
	"bytes"
	"strings"
	"testing"
)

// FuzzHead: however an answer is cut into pieces, what comes out is the same, and of a
// body nothing is lost.
func FuzzHead(f *testing.F) {
	for _, answer := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\n\n{}", "",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n{}", "HTTP/1.1 101 X\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "x\n\n\n\n",
	} {
		f.Add([]byte(answer), uint8(3))
	}
	f.Fuzz(func(t *testing.T, answer []byte, piece uint8) {
		whole, pieces := through(answer, len(answer)), through(answer, int(piece))
		if !bytes.Equal(whole, pieces) {
			t.Errorf("%q became %q, in pieces of %d %q", answer, whole, piece, pieces)
		}
		if _, after := headEnd(answer); after >= 0 && !informational(answer) && !bytes.HasSuffix(whole, answer[after:]) {
			t.Errorf("%q became %q: the body is another", answer, whole)
		}
		if n := strings.Count(strings.ToLower(string(repair(answer))), "transfer-encoding"); n > 1 {
			t.Errorf("%d transfer encodings", n)
		}
	})
}

// through is what comes out of a head that is given an answer in pieces of n bytes.
func through(answer []byte, n int) []byte {
	var h head
	var out []byte
	for rest := answer; len(rest) > 0; {
		size := min(max(n, 1), len(rest))
		if h.passed && len(h.buffered) == 0 {
			out = append(out, rest[:size]...)
		} else {
			h.add(rest[:size])
		}
		for h.complete {
			p := make([]byte, 16)
			out = append(out, p[:h.read(p)]...)
		}
		rest = rest[size:]
	}
	return append(out, h.buffered...)
}
