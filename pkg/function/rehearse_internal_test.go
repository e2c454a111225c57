package function

import (
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/pkg/homes/awsqueue"
	"tokenrefresh/pkg/providers/hesabe"
	"tokenrefresh/pkg/rehearsal"
)

// environment has the required variables of a deployed function.
func environment(name string) string {
	return map[string]string{
		"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "planted-key", "AWS_SECRET_ACCESS_KEY": "planted-secret",
		"AWS_SESSION_TOKEN": "planted-session", "SECRET_PREFIX": "token-refresh", "LEDGER_TABLE": "ledger",
		"TRANSACTIONS_TABLE": "transactions", "ACCOUNTS": "a,b,c", "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
		"SWEEP_QUEUE_URL": "https://queue.invalid/1/q", "EVENT_BUS": "default", "AWS_SAM_LOCAL": "true",
	}[name]
}

// A rehearsal that ends early warms nothing up: each provider's must complete.
func TestRehearsalGetsToTheEnd(t *testing.T) {
	t.Parallel()
	for _, entry := range catalog.All() {
		t.Run(entry.Name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			network := rehearsal.For(entry.New(nil, ""))
			defer network.Close()
			build := func(at surroundings) (parts, error) { return buildRefresh(at, entry.New) }
			if entry.Sweep {
				build = func(at surroundings) (parts, error) { return buildSweep(at, entry.New, awsqueue.New) }
			}
			double, err := build(surroundings{rehearsal.Environment(environment), network.Dial, &log})
			assert.NilError(t, err)
			answer, err := double.handler.Invoke(t.Context(), []byte("{}"))
			assert.Check(t, err == nil && strings.Contains(string(answer), `"outcomes":{"refreshed":1}`),
				"%v: %s\n%s", err, answer, &log)
			assert.Check(t, !strings.Contains(string(answer)+log.String(), "planted"), "%s\n%s", answer, &log)
		})
	}
}

// Without a network, or with a failed rehearsal, a function still starts.
func TestWarmUpEnds(t *testing.T) {
	t.Parallel()
	away := func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	for name, tt := range map[string]struct {
		rehearse func(surroundings) (parts, error)
	}{
		"no network":   {func(at surroundings) (parts, error) { return buildRefresh(at, hesabe.New) }},
		"no rehearsal": {func(surroundings) (parts, error) { return parts{}, io.EOF }},
		"a panic":      {func(surroundings) (parts, error) { panic("planted") }},
		"it hangs":     {func(surroundings) (parts, error) { time.Sleep(2 * maxWarmUp); return parts{}, io.EOF }},
	} {
		synctest.Test(t, func(t *testing.T) {
			secured := func(name string) string {
				return strings.Replace(environment(name), "http://127.0.0.1:1", "https://aws.invalid", 1)
			}
			p, err := buildRefresh(surroundings{secured, away, io.Discard}, hesabe.New)
			assert.NilError(t, err)
			began := time.Now()
			p.warmUp(tt.rehearse)
			took := time.Since(began)
			assert.Check(t, took == maxWarmUp, "%s: it took %v", name, took)
			time.Sleep(2 * maxWarmUp) // the bubble ends when all of it has
		})
	}
}

// A failure before the first event does not end the process, which would start again and again.
func TestWarmUpContainsPanics(t *testing.T) {
	t.Parallel()
	(parts{}).warmUp(func(surroundings) (parts, error) { panic("planted") }) // there are no clients either
}
