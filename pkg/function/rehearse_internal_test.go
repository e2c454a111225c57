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

	"tokenrefresh/pkg/homes/awsqueue"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/berbix"
	"tokenrefresh/pkg/providers/hesabe"
	"tokenrefresh/pkg/providers/oauth2"
	"tokenrefresh/pkg/providers/tconnect"
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
	for name, tt := range map[string]struct {
		provider providers.Described
		build    func(surroundings) (parts, error)
	}{
		"hesabe":   {hesabe.New(nil, ""), func(at surroundings) (parts, error) { return buildRefresh(at, hesabe.New) }},
		"tconnect": {tconnect.New(nil, ""), func(at surroundings) (parts, error) { return buildRefresh(at, tconnect.New) }},
		"oauth2":   {oauth2.New(nil, ""), func(at surroundings) (parts, error) { return buildRefresh(at, oauth2.New) }},
		"berbix":   {berbix.New(nil, ""), func(at surroundings) (parts, error) { return buildSweep(at, berbix.New, awsqueue.New) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			network := rehearsal.For(tt.provider)
			defer network.Close()
			double, err := tt.build(surroundings{rehearsal.Environment(environment), network.Dial, &log})
			assert.NilError(t, err)
			answer, err := double.handler.Invoke(t.Context(), []byte("{}"))
			if err != nil || !strings.Contains(string(answer), `"outcomes":{"refreshed":1}`) {
				t.Errorf("%v: %s\n%s", err, answer, &log)
			}
			if strings.Contains(string(answer)+log.String(), "planted") {
				t.Errorf("%s\n%s", answer, &log)
			}
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
			if took := time.Since(began); took != maxWarmUp {
				t.Errorf("%s: it took %v", name, took)
			}
			time.Sleep(2 * maxWarmUp) // the bubble ends when all of it has
		})
	}
}

// A failure before the first event does not end the process, which would start again and again.
func TestWarmUpContainsPanics(t *testing.T) {
	t.Parallel()
	(parts{}).warmUp(func(surroundings) (parts, error) { panic("planted") }) // there are no clients either
}
