package exchange

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httputil"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// maxHead limits a head as it arrives: cookies and policies make it long.
const maxHead = 512 << 10

var errHead = errors.New("it is not HTTP, or its head is too long")

// answer is what a server has answered, as it came.
type answer struct {
	status   int // 0: its head is not complete
	header   http.Header
	body     []byte
	longer   bool // than the head says
	reusable bool // the connection carries another exchange
}

// readAnswer reads an answer, however odd its head is. With an error, the answer has what came.
func readAnswer(from *bufio.Reader) (answer, error) {
	for {
		lines, err := readHead(from)
		if err != nil {
			return answer{}, err
		}
		got, err := parseHead(lines)
		// Another head follows a 1xx, except a protocol switch.
		if got.status < 100 || got.status > 199 || got.status == http.StatusSwitchingProtocols {
			if err == nil {
				err = got.readBody(from)
			}
			return got, err
		}
	}
}

// readHead reads the lines of a head. Blank lines before it belong to no answer.
func readHead(from *bufio.Reader) ([]string, error) {
	var lines []string
	var line []byte
	for left := maxHead; left > 0; {
		part, err := from.ReadSlice('\n')
		left -= len(part)
		line = append(line, part...)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		} else if err != nil {
			return nil, err
		}
		text := strings.TrimRight(string(line), "\r\n")
		line = line[:0]
		if text != "" {
			lines = append(lines, text)
		} else if len(lines) > 0 {
			return lines, nil
		}
	}
	return nil, errHead
}

// parseHead reads a head, whatever the spelling of its version: it came as HTTP/1. A line that is
// no header does not count.
func parseHead(lines []string) (answer, error) {
	first := strings.Fields(lines[0])
	if len(first) < 2 || !strings.HasPrefix(strings.ToUpper(first[0]), "HTTP/") || len(first[1]) != 3 {
		return answer{}, errHead
	}
	status, err := strconv.ParseUint(first[1], 10, 16)
	if err != nil || status < 100 {
		return answer{}, errHead
	}
	got := answer{status: int(status), header: http.Header{}}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		got.header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	got.reusable = !strings.HasSuffix(first[0], "/1.0") && !strings.Contains(strings.ToLower(got.header.Get("Connection")), "close")
	return got, nil
}

// readBody reads the body, which may be framed in another way than the head says: announced in
// chunks and not chunked, or longer than its Content-Length. Without a frame it ends with the
// connection.
func (a *answer) readBody(from *bufio.Reader) error {
	length, after := a.length(), ""
	// For a coding other than chunked, the body itself shows what it is.
	chunked := strings.Contains(strings.ToLower(strings.Join(a.header["Transfer-Encoding"], ",")), "chunked")
	var body io.Reader = from
	switch {
	case a.status == http.StatusSwitchingProtocols, a.status == http.StatusNoContent, a.status == http.StatusNotModified:
		length, body = 0, strings.NewReader("")
		a.reusable = a.reusable && a.status != http.StatusSwitchingProtocols
	case chunked && beginsAsChunk(from):
		length, body, after = -1, httputil.NewChunkedReader(from), "\r\n"
	case length >= 0:
		body = io.LimitReader(from, length)
	default:
		a.reusable = false
	}
	var err error
	a.body, err = io.ReadAll(io.LimitReader(body, maxBody+1))
	if err == nil && int64(len(a.body)) < length {
		err = io.ErrUnexpectedEOF
	}
	// A server that counts characters instead of bytes sends its last bytes behind the length.
	rest, _ := from.Peek(from.Buffered())
	a.reusable = a.reusable && string(rest) == after
	if a.longer = length >= 0 && len(rest) > 0 && !bytes.HasPrefix(rest, []byte("HTTP/")); a.longer {
		a.body = append(a.body, rest...)
	}
	return err
}

// length is the only length that the head names; -1 if it is not a number, or if there are several.
func (a *answer) length() int64 {
	lengths := strings.FieldsFunc(strings.Join(a.header["Content-Length"], ","), func(r rune) bool { return r == ',' || r == ' ' })
	if len(slices.Compact(lengths)) != 1 {
		return -1
	}
	n, err := strconv.ParseUint(lengths[0], 10, 63)
	if err != nil {
		return -1
	}
	return int64(n)
}

// chunkLine matches a first line of a chunked body that httputil accepts.
var chunkLine = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9a-fA-F]{1,16}[ \t]*(;[^\r\n]*)?\r\n`) })

// beginsAsChunk reports whether a body begins like a chunked one.
func beginsAsChunk(from *bufio.Reader) bool {
	const longest = 64 // first line
	for n := 1; n <= longest; n++ {
		line, err := from.Peek(n)
		if err != nil || !strings.ContainsRune("0123456789abcdefABCDEF", rune(line[0])) {
			return false
		}
		if line[n-1] == '\n' {
			return chunkLine().Match(line)
		}
	}
	return false
}
