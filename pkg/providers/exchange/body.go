package exchange

import (
	"bytes"
	"fmt"
	"regexp"
	"sync"
)

// maxExtra limits what is kept of an answer beyond its Content-Length.
const maxExtra = 64 << 10

// chunkLine matches a first line of a chunked body that net/http accepts.
var chunkLine = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9a-fA-F]{1,16}[ \t]*(;[^\r\n]*)?\r\n`) })

// body repairs a body on its way to net/http: one that was announced in chunks and is not chunked,
// and one that is longer than its Content-Length.
type body struct {
	chunked bool // as the head says
	left    int  // of the length that the head names; -1: it names none

	first   []byte // of a body in chunks, until its first line tells whether it is
	decided bool   // whether it is in chunks
	plain   bool   // it is not: it is handed on in chunks
	over    bool   // it has come to its end
	extra   []byte // what came behind that
}

// next takes a piece of the body and returns what net/http gets.
func (b *body) next(p []byte) []byte {
	if b.chunked && !b.decided {
		b.first = append(b.first, p...)
		if p = b.decide(); !b.decided {
			return nil
		}
	}
	if b.chunked && !b.plain || b.left < 0 && !b.plain {
		return p
	}
	return b.count(p)
}

// decide finds out whether a body begins like a chunked one, and returns what it has held back for
// that.
func (b *body) decide() []byte {
	const longest = 64 // first line
	line := bytes.IndexByte(b.first, '\n')
	hexadecimal := len(b.first) == 0 || bytes.IndexByte([]byte("0123456789abcdefABCDEF"), b.first[0]) >= 0
	if hexadecimal && line < 0 && len(b.first) < longest {
		return nil
	}
	b.decided, b.plain = true, !chunkLine().Match(b.first)
	p := b.first
	b.first = nil
	return p
}

// count returns as much as the head's length allows. It keeps what comes after that: a server that
// counts characters instead of bytes sends its last bytes there.
func (b *body) count(p []byte) []byte {
	rest := []byte(nil)
	if b.left >= 0 && len(p) > b.left {
		p, rest = p[:b.left], p[b.left:]
	}
	if b.left >= 0 {
		b.left -= len(p)
	}
	b.extra = append(b.extra, rest[:min(len(rest), maxExtra-len(b.extra))]...)
	if !b.plain {
		b.over = b.left == 0
		return p
	}
	var out []byte
	if len(p) > 0 {
		out = fmt.Appendf(nil, "%x\r\n%s\r\n", len(p), p)
	}
	if b.left == 0 && !b.over {
		out = append(out, b.end()...)
	}
	return out
}

// end returns what net/http still needs when no more comes.
func (b *body) end() []byte {
	if b.chunked && !b.decided { // cut in its first line, or another thing
		b.decided, b.plain, b.left = true, true, -1
		first := b.first
		b.first = nil
		return append(b.count(first), b.end()...)
	}
	if !b.plain || b.over {
		return nil
	}
	b.over = true
	return []byte("0\r\n\r\n")
}
