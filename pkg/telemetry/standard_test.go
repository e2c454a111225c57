package telemetry_test

import (
	"bufio"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/telemetry"
)

type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

// A provider whose Content-Length fell short of its answer had the rest of it, tokens
// included, written to the log by net/http.
//
//nolint:paralleltest // the standard logger is the process's
func TestBytesBehindAnAnswerAreNotLogged(t *testing.T) {
	logged := make(lines, 8)
	telemetry.GuardStandardLog(logged)
	t.Cleanup(func() { log.SetOutput(os.Stderr) })

	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NilError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		_, _ = http.ReadRequest(bufio.NewReader(conn))
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"+`"planted-token"}`)
	}()

	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+listener.Addr().String(), nil)
	assert.NilError(t, err)
	answer, err := transport.RoundTrip(request)
	assert.NilError(t, err)
	_, err = io.ReadAll(answer.Body)
	assert.NilError(t, err)
	_ = answer.Body.Close()
	select {
	case line := <-logged:
		if !strings.Contains(line, "Unsolicited response") || strings.Contains(line, "planted-token") || !strings.HasSuffix(line, "\n") {
			t.Errorf("logged: %q", line)
		}
	case <-time.After(10 * time.Second):
		t.Error("nothing is logged: is the guard still needed?")
	}
}

//nolint:paralleltest // the standard logger is the process's
func TestOtherMessagesPassTheGuard(t *testing.T) {
	logged := make(lines, 1)
	telemetry.GuardStandardLog(logged)
	t.Cleanup(func() { log.SetOutput(os.Stderr) })
	log.Print("expected AWS Lambda environment variables [X] are not defined")
	line := <-logged
	assert.Check(t, strings.Contains(line, "variables [X] are not defined\n"), "logged: %q", line)
}
