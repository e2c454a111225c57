package exchange

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
)

// head repairs the heads of answers on their way to net/http, which gives up an answer,
// and the tokens in it, over a header that it doesn't like: a Transfer-Encoding other
// than chunked, a Content-Length that is no number, a line that is no header.
type head struct {
	buffered []byte // of a head that is not complete, or complete and not read yet
	complete bool   // buffered may be read: the head is over, or is none
	passed   bool   // the final head is over: what follows is the body
}

// add takes what came from the server.
func (h *head) add(p []byte) {
	h.buffered = append(h.buffered, p...)
	if h.passed {
		h.complete = true
		return
	}
	for start := 0; ; {
		end, after := headEnd(h.buffered[start:])
		if end < 0 {
			h.complete = len(h.buffered) > maxHeaders
			h.passed = h.complete // too long: net/http will say so
			return
		}
		repaired := repair(h.buffered[start : start+end])
		rest := h.buffered[start+after:]
		h.buffered = append(append(h.buffered[:start:start], repaired...), rest...)
		start += len(repaired)
		if !informational(repaired) {
			h.complete, h.passed = true, true
			return
		}
	}
}

// read hands out what is ready.
func (h *head) read(p []byte) int {
	n := copy(p, h.buffered)
	h.buffered = h.buffered[n:]
	h.complete = len(h.buffered) > 0
	return n
}

// headEnd is where the last line of a head ends and where what follows begins; -1 where
// the head is not complete.
func headEnd(p []byte) (end, after int) {
	end, after = -1, -1
	for _, blank := range []string{"\r\n\r\n", "\n\n"} {
		if i := bytes.Index(p, []byte(blank)); i >= 0 && (end < 0 || i < end) {
			end, after = i, i+len(blank)
		}
	}
	return end, after
}

// informational reports whether a head is of a 1xx, after which another comes. A
// protocol switch is final.
func informational(repaired []byte) bool {
	_, status, _ := strings.Cut(string(repaired[:min(len(repaired), 16)]), " ")
	return strings.HasPrefix(status, "1") && !strings.HasPrefix(status, "101")
}

// wanted are the headers that somebody reads, beside those that frame the body.
var wanted = []string{"Connection", "Content-Encoding", "Content-Type", "Date", "Retry-After"}

// repair writes a head anew, with what is wanted of it and a frame that net/http takes.
// What a coding other than chunked means, the body shows by itself.
func repair(p []byte) []byte {
	lines := strings.Split(strings.ReplaceAll(string(p), "\r\n", "\n"), "\n")
	out := bytes.NewBufferString(lines[0] + "\r\n")
	chunked, lengths := false, map[string]bool{}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		name, value = http.CanonicalHeaderKey(strings.TrimSpace(name)), strings.TrimSpace(value)
		switch {
		case name == "Transfer-Encoding":
			chunked = chunked || strings.HasSuffix(strings.ToLower(value), "chunked")
		case name == "Content-Length":
			for length := range strings.SplitSeq(value, ",") {
				lengths[strings.TrimSpace(length)] = true
			}
		case slices.Contains(wanted, name):
			out.WriteString(name + ": " + value + "\r\n")
		}
	}
	if length, ok := onlyNumber(lengths); chunked {
		out.WriteString("Transfer-Encoding: chunked\r\n")
	} else if ok {
		out.WriteString("Content-Length: " + length + "\r\n")
	}
	out.WriteString("\r\n")
	return out.Bytes()
}

// onlyNumber is the one length that was named, if it is a number.
func onlyNumber(lengths map[string]bool) (string, bool) {
	for length := range lengths {
		return length, len(lengths) == 1 && length != "" && strings.Trim(length, "0123456789") == ""
	}
	return "", false
}
