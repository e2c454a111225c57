package wire

import (
	"bufio"
	"bytes"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
)

// readAhead takes in a whole request of the usual size with one read.
const readAhead = 4 << 10

// Request is one request. Its slices are valid until it is answered.
type Request struct {
	Path string
	// Target is the operation that X-Amz-Target names, without its prefix.
	Target        string
	Authorization string
	Body          []byte
}

var space, colon, lineEnd = []byte(" "), []byte(": "), []byte("\r\n")

// malformedError is a request that the server does not understand: the measurement
// is worth nothing then.
type malformedError struct{ what string }

func (e *malformedError) Error() string { return "a request that is not understood: " + e.what }

// read reads one request into buffer, which it may replace.
func read(in *bufio.Reader, buffer []byte) (Request, []byte, error) {
	line, err := in.ReadSlice('\n')
	if err != nil {
		return Request{}, buffer, err // the end of the connection
	}
	method, rest, _ := bytes.Cut(line, space)
	path, _, whole := bytes.Cut(rest, space)
	if !whole || string(method) != http.MethodPost {
		return Request{}, buffer, &malformedError{"its first line"}
	}
	r := Request{Path: string(path)}
	length := -1
	for {
		if line, err = in.ReadSlice('\n'); err != nil {
			return Request{}, buffer, err
		}
		line = bytes.TrimSuffix(line, lineEnd)
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, colon)
		switch string(name) { // as net/http writes it
		case "Content-Length":
			if length, err = strconv.Atoi(string(value)); err != nil {
				return Request{}, buffer, &malformedError{"its length"}
			}
		case "X-Amz-Target":
			r.Target = string(value[bytes.LastIndexByte(value, '.')+1:])
		case "Authorization":
			r.Authorization = string(value)
		}
	}
	if length < 0 {
		return Request{}, buffer, &malformedError{"no length"}
	}
	if cap(buffer) < length {
		buffer = make([]byte, length)
	}
	r.Body = buffer[:length]
	_, err = io.ReadFull(in, r.Body)
	return r, buffer, err
}

// answer appends a whole answer to out: one write, and one record of TLS.
func (s *Server) answer(out []byte, status int, body []byte) []byte {
	out = append(out, "HTTP/1.1 "...)
	out = strconv.AppendInt(out, int64(status), 10)
	out = append(out, ' ')
	out = append(out, http.StatusText(status)...)
	out = append(out, "\r\nContent-Type: "...)
	out = append(out, s.contentType...)
	out = append(out, "\r\nX-Amzn-Requestid: 00000000-0000-4000-8000-000000000000\r\nX-Amz-Crc32: "...)
	out = strconv.AppendUint(out, uint64(crc32.ChecksumIEEE(body)), 10) // the SDK verifies DynamoDB's
	out = append(out, "\r\nContent-Length: "...)
	out = strconv.AppendInt(out, int64(len(body)), 10)
	out = append(out, "\r\n\r\n"...)
	return append(out, body...)
}
