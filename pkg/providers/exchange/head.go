package exchange

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// head repairs the heads of answers on their way to net/http, which rejects an answer, and the
// tokens in it, for a header that it doesn't accept: a Transfer-Encoding other than chunked, a
// Content-Length that is no number, a line that is no header.
type head struct {
	buffered []byte // of a head that is not complete, or complete and not read yet
	complete bool   // buffered may be read: the head has ended, or is none
	passed   bool   // the final head has ended: the body follows
	body     body
}

// maxHead limits a head as it arrives. Cookies and policies, which make it long, are left out.
const maxHead = 512 << 10

// add takes what came from the server.
func (h *head) add(p []byte) {
	if h.passed {
		h.buffered = append(h.buffered, h.body.next(p)...)
		h.complete = len(h.buffered) > 0
		return
	}
	h.buffered = append(h.buffered, p...)
	if !bytes.ContainsAny(p, "\r\n") && len(h.buffered) <= maxHead {
		return
	}
	for start := 0; ; {
		// Blank lines before a head belong to no answer.
		h.buffered = append(h.buffered[:start:start], bytes.TrimLeft(h.buffered[start:], "\r\n")...)
		end, after := headEnd(h.buffered[start:])
		if end < 0 {
			h.complete = len(h.buffered) > maxHead
			h.passed = h.complete // too long: net/http will say so
			h.body.left = -1
			return
		}
		repaired, follows := repair(h.buffered[start : start+end])
		rest := h.buffered[start+after:]
		h.buffered = append(h.buffered[:start:start], repaired...)
		start += len(repaired)
		if !informational(repaired) {
			h.body = follows
			h.buffered = append(h.buffered, h.body.next(rest)...)
			h.complete, h.passed = true, true
			return
		}
		h.buffered = append(h.buffered, rest...)
	}
}

// end is called when no more comes. The rest may be read then.
func (h *head) end() {
	if h.passed {
		h.buffered = append(h.buffered, h.body.end()...)
	}
	h.complete = len(h.buffered) > 0 // so that net/http reports what is wrong with half a head
}

// read hands out what is ready.
func (h *head) read(p []byte) int {
	n := copy(p, h.buffered)
	h.buffered = h.buffered[n:]
	h.complete = len(h.buffered) > 0
	return n
}

// headEnd returns where the last line of a head ends, and where the rest begins; -1 if the head is
// not complete.
func headEnd(p []byte) (end, after int) {
	end, after = -1, -1
	for _, blank := range []string{"\r\n\r\n", "\n\r\n", "\n\n"} {
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

// wanted are the headers that we read, beside those that frame the body.
var wanted = []string{"Connection", "Content-Encoding", "Content-Type", "Date", "Retry-After"}

// repair writes a head again, with the wanted headers and a frame that net/http accepts, and
// returns how the body follows. For a coding other than chunked, the body itself shows what it is.
func repair(p []byte) ([]byte, body) {
	lines := strings.Split(strings.ReplaceAll(string(p), "\r\n", "\n"), "\n")
	first, bodiless := statusLine(lines[0])
	out := bytes.NewBufferString(first + "\r\n")
	chunked, lengths := false, map[string]bool{}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		name, value = http.CanonicalHeaderKey(strings.TrimSpace(name)), strings.TrimSpace(value)
		switch {
		case name == "Transfer-Encoding":
			chunked = chunked || strings.Contains(strings.ToLower(value), "chunked")
		case name == "Content-Length":
			for length := range strings.SplitSeq(value, ",") {
				lengths[strings.TrimSpace(length)] = true
			}
		case slices.Contains(wanted, name):
			out.WriteString(name + ": " + value + "\r\n")
		}
	}
	follows := body{chunked: chunked && !bodiless, left: onlyNumber(lengths)}
	if chunked {
		out.WriteString("Transfer-Encoding: chunked\r\n")
	} else if follows.left >= 0 {
		out.WriteString("Content-Length: " + strconv.Itoa(follows.left) + "\r\n")
	}
	if !chunked && follows.left == 0 { // net/http would reuse the connection at once, whatever follows
		out.WriteString("Connection: close\r\n")
	}
	if bodiless {
		follows.left = -1
	}
	out.WriteString("\r\n")
	return out.Bytes(), follows
}

// statusLine is the first line of a head in a form that net/http accepts: with single spaces, and
// the version in capitals. bodiless: no body follows such a status.
func statusLine(line string) (repaired string, bodiless bool) {
	fields := strings.Fields(line)
	if len(fields) < 2 || !strings.HasPrefix(strings.ToUpper(fields[0]), "HTTP/") {
		return line, false
	}
	// Whatever the version, it came as HTTP/1.
	if fields[0] = strings.ToUpper(fields[0]); fields[0] != "HTTP/1.0" {
		fields[0] = "HTTP/1.1"
	}
	bodiless = fields[1] == "204" || fields[1] == "304" || strings.HasPrefix(fields[1], "1")
	return strings.Join(fields, " "), bodiless
}

// onlyNumber is the only length that was named; -1 if it is not a number, or if there are several.
func onlyNumber(lengths map[string]bool) int {
	for length := range lengths {
		if n, err := strconv.Atoi(length); err == nil && len(lengths) == 1 && length[0] != '+' && n >= 0 {
			return n
		}
	}
	return -1
}
