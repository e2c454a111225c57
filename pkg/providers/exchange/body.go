package exchange

import (
	"bytes"
	"fmt"
	"regexp"
	"sync"
)

// maxExtra bounds what is kept of an answer behind the length that it names.
const maxExtra = 64 << 10

// chunkLine is a first line of a chunked body, as net/http takes it.
var chunkLine = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9a-fA-F]{1,16}[ \t]*(;[^\r\n]*)?\r\n`) })

// body repairs what follows a head on its way to net/http: a body that was announced in
// chunks and comes as it is, and one that is longer than its length says.
type body struct {
	chunked bool // as the head says
	left    int  // of the length that the head names; -1: it names none

	first   []byte // of a body in chunks, until its first line tells whether it is
	decided bool   // whether it is in chunks
	plain   bool   // it is not: it is handed on in chunks
	over    bool   // it has come to its end
	extra   []byte // what came behind that
}

// next takes a piece of the body and returns what is handed on.
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

// decide looks whether a body begins as one in chunks does, and returns what it has waited for.
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

// count hands on as much as the head's length allows. What comes behind it is kept: a server
// that counts characters instead of bytes sends the last ones there.
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
