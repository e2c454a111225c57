package telemetry_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/telemetry"
)

func TestEmit(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	// A level above info must not silence the metrics that alarms depend on.
	log := telemetry.NewLogger(&out, slog.LevelError)
	at := time.UnixMilli(1_800_000_000_123).UTC()
	line := telemetry.Line{
		Namespace: "Space", Provider: "hesabe", Account: "default", At: at,
		Metrics: []telemetry.Metric{telemetry.Seconds("AccessTokenExpiresIn", 899500*time.Millisecond), telemetry.Count("AttemptsLeft", 2)},
	}
	line.Emit(t.Context(), log, slog.String("outcome", "refreshed"), slog.Any("planted", secret.New("planted-secret")))

	var got map[string]any
	err := json.Unmarshal(out.Bytes(), &got)
	assert.Assert(t, err == nil, "not one JSON object: %v\n%s", err, out.String())
	want := map[string]any{
		"time": "2027-01-15T08:00:00.123Z", "level": "INFO", "msg": "run",
		"provider": "hesabe", "account": "default", "outcome": "refreshed", "planted": "[secret]",
		"AccessTokenExpiresIn": 899.5, "AttemptsLeft": 2.0,
		"_aws": map[string]any{
			"Timestamp": 1_800_000_000_123.0,
			"CloudWatchMetrics": []any{map[string]any{
				"Namespace":  "Space",
				"Dimensions": []any{[]any{"provider", "account"}},
				"Metrics": []any{
					map[string]any{"Name": "AccessTokenExpiresIn", "Unit": "Seconds"},
					map[string]any{"Name": "AttemptsLeft", "Unit": "Count"},
				},
			}},
		},
	}
	assert.Check(t, is.DeepEqual(got, want))
}

// A line about no account has the metrics of all.
func TestEmitSummary(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	line := telemetry.Line{Namespace: "Space", Provider: "hesabe", Metrics: []telemetry.Metric{telemetry.Count("N", 0)}}
	line.Emit(t.Context(), telemetry.NewLogger(&out, 0))
	for _, want := range []string{`"msg":"summary"`, `"Dimensions":[["provider"]]`} {
		got := out.String()
		assert.Check(t, strings.Contains(got, want) && !strings.Contains(got, "account"), "no %s in %s", want, got)
	}
}

// Without CloudWatch the values are still logged.
func TestEmitWithoutNamespace(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	telemetry.Line{Metrics: []telemetry.Metric{telemetry.Count("N", 7)}}.Emit(t.Context(), telemetry.NewLogger(&out, 0))
	got := out.String()
	assert.Check(t, strings.Contains(got, `"N":7`) && !strings.Contains(got, "_aws"), "line %s", got)
}

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
