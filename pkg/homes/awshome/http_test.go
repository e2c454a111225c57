package awshome

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
)

// If headers and body are sent one after the other, a quick answer to the headers lets the SDK
// close the body before it is sent, and net/http drops the connection.
func TestRequestGoesOutInOneWrite(t *testing.T) {
	t.Parallel()
	ours, theirs := net.Pipe() // a read returns what one write wrote
	client := newHTTPClient(nil, Tuning{Dial: func(context.Context, string, string) (net.Conn, error) { return ours, nil }})
	first := make(chan string)
	go func() {
		buffer := make([]byte, 64<<10)
		n, _ := theirs.Read(buffer)
		first <- string(buffer[:n])
		_, _ = io.WriteString(theirs, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
		_, _ = io.Copy(io.Discard, theirs)
	}()

	body := struct{ io.Reader }{strings.NewReader("the body")} // of a type that net/http does not know
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://host/", body)
	assert.NilError(t, err)
	r.ContentLength = 8
	got := make(chan string, 1)
	go func() {
		answer, err := client.Do(r)
		if err != nil {
			got <- err.Error()
			return
		}
		defer func() { _ = answer.Body.Close() }()
		text, _ := io.ReadAll(answer.Body)
		got <- string(text)
	}()
	if request := <-first; !strings.HasSuffix(request, "\r\n\r\nthe body") {
		t.Errorf("the first write was %q", request)
	}
	if text := <-got; text != "{}" {
		t.Errorf("answer %q", text)
	}
}
