package metrics_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/operator/health"
	"tokenrefresh/internal/operator/metrics"
	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/store"
	"tokenrefresh/pkg/telemetry"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// some are a credential that is well, one that is dead, and an account of transactions.
func some(context.Context, time.Time) ([]health.Credential, error) {
	secretOf := func(version string) health.Secret { return health.Secret{Name: "n", Version: version} }
	hesabe := store.Key{Provider: "hesabe", Account: "default"}
	well := health.Credential{
		Key: hesabe, Exists: true, CanLogin: true, RefreshToken: true,
		Row: store.Row{
			Key: hesabe, Phase: store.Idle, State: store.OK, CredentialsVersionID: "c", SeenVersionID: "v", VersionID: "v",
			PublishedVersionID: "v", RefreshAt: now.Add(9 * time.Minute), AccessExpiresAt: now.Add(12 * time.Minute),
			RefreshExpiresAt: now.Add(time.Hour), LastSuccessAt: now.Add(-3 * time.Minute), LastOutcome: outcome.Refreshed,
			Tick: time.Minute,
		},
		Credentials: secretOf("c"), Tokens: secretOf("v"), Access: secretOf("v"),
	}
	dead := well
	dead.Key = store.Key{Provider: "hesabe", Account: "shop-2"}
	dead.CanLogin, dead.Row.State, dead.Row.LastOutcome, dead.Row.ConsecutiveFailures, dead.Row.Paused = false, store.Dead, outcome.Dead, 2, true
	berbix := store.Key{Provider: "berbix", Account: "default"}
	transactions := health.Credential{
		Key: berbix, Sweep: true, Exists: true, Credentials: secretOf("c"),
		Row:          store.Row{Key: berbix, LastSuccessAt: now, LastOutcome: outcome.Refreshed, CredentialsVersionID: "c", Tick: time.Minute},
		Transactions: health.Transactions{Due: health.Count{N: 12}, OldestDue: now, Next: now, NextExpiry: now.Add(time.Hour)},
	}
	return []health.Credential{well, dead, transactions}, nil
}

// served is a server that has run once.
func served(t *testing.T, look metrics.Look) *metrics.Server {
	t.Helper()
	clock := now
	s := metrics.NewServer(look, func() time.Time { return clock })
	end := s.Runs.Begin("hesabe")
	clock = clock.Add(2 * time.Second)
	end(map[outcome.Outcome]int{outcome.Refreshed: 1, outcome.NotDue: 3})
	log := slog.New(s.Runs.Observe(slog.NewJSONHandler(io.Discard, nil)))
	telemetry.Line{
		Provider: "hesabe", Account: "default", Metrics: []telemetry.Metric{telemetry.Seconds("ProviderLatency", 300*time.Millisecond)},
	}.Emit(t.Context(), log)
	clock = now
	return s
}

func get(t *testing.T, s *metrics.Server, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	code, text := get(t, served(t, some), "/metrics")
	assert.Assert(t, code == http.StatusOK, "%d: %s", code, text)
	for _, line := range []string{
		`tokenrefresh_token_expiration_timestamp_seconds{account="default",provider="hesabe"} 1.77236712e+09`,
		`tokenrefresh_token_renewal_timestamp_seconds{account="default",provider="hesabe"} 1.77236694e+09`,
		`tokenrefresh_refresh_token_expiration_timestamp_seconds{account="default",provider="hesabe"} 1.77237e+09`,
		`tokenrefresh_token_last_success_timestamp_seconds{account="default",provider="hesabe"} 1.77236622e+09`,
		`tokenrefresh_token_ready_status{account="default",condition="True",provider="hesabe"} 1`,
		`tokenrefresh_token_ready_status{account="shop-2",condition="False",provider="hesabe"} 1`,
		`tokenrefresh_token_ready_status{account="shop-2",condition="True",provider="hesabe"} 0`,
		`tokenrefresh_token_attempts_left{account="default",provider="hesabe"} 3`,
		`tokenrefresh_token_consecutive_failures{account="shop-2",provider="hesabe"} 2`,
		`tokenrefresh_token_paused{account="shop-2",provider="hesabe"} 1`,
		`tokenrefresh_transactions_due{account="default",provider="berbix"} 12`,
		`tokenrefresh_state_up 1`,
		`tokenrefresh_run_outcomes_total{outcome="not_due",provider="hesabe"} 3`,
		`tokenrefresh_run_duration_seconds_sum{provider="hesabe"} 2`,
		`tokenrefresh_run_last_timestamp_seconds{provider="hesabe"} 1.772366402e+09`,
		`tokenrefresh_provider_request_duration_seconds_count{provider="hesabe"} 1`,
		`tokenrefresh_build_info{version="`,
	} {
		assert.Check(t, strings.Contains(text, line), "no %s in:\n%s", line, text)
	}
}

// If the state cannot be read, the metrics of runs are still served.
func TestStateThatCannotBeRead(t *testing.T) {
	t.Parallel()
	s := served(t, func(context.Context, time.Time) ([]health.Credential, error) {
		return nil, errors.New("the file is locked")
	})
	code, text := get(t, s, "/metrics")
	if code != http.StatusOK || !strings.Contains(text, "tokenrefresh_state_up 0") || !strings.Contains(text, "run_outcomes_total") ||
		strings.Contains(text, "token_ready_status") {
		t.Errorf("%d: %s", code, text)
	}
	code, text = get(t, s, "/healthz")
	assert.Check(t, code == http.StatusServiceUnavailable && text == "the file is locked\n", "%d: %s", code, text)
}

func TestHealthz(t *testing.T) {
	t.Parallel()
	clock := now
	s := metrics.NewServer(some, func() time.Time { return clock })
	end := s.Runs.Begin("hesabe")
	code, text := get(t, s, "/healthz")
	assert.Check(t, code == http.StatusOK && text == "ok\n", "%d: %s", code, text)
	clock = clock.Add(6 * time.Minute)
	if code, text := get(t, s, "/healthz"); code != http.StatusServiceUnavailable || !strings.Contains(text, "the run of hesabe hangs since 2026-03-01T12:00:00Z") {
		t.Errorf("%d: %s", code, text)
	}
	end(nil)
	code, text = get(t, s, "/healthz")
	assert.Check(t, code == http.StatusOK, "%d: %s", code, text)
}

func TestServe(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	assert.NilError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended, server := make(chan error), served(t, some)
	go func() { ended <- server.Serve(ctx, listener) }()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+listener.Addr().String()+"/healthz", nil)
	assert.NilError(t, err)
	answer, err := http.DefaultClient.Do(request)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("%v", err)
	} else {
		_ = answer.Body.Close()
	}
	cancel()
	assert.Check(t, <-ended)
}

// Every metric that an alert, a test of alerts or the documentation names is served, and every
// one that is served is documented.
func TestNamesAreServed(t *testing.T) {
	t.Parallel()
	_, text := get(t, served(t, some), "/metrics")
	name := regexp.MustCompile(`tokenrefresh_[a-z_]+`)
	serves := map[string]bool{}
	for line := range strings.Lines(text) {
		if rest, is := strings.CutPrefix(line, "# TYPE "); is {
			serves[strings.Fields(rest)[0]] = true
		}
	}
	documented := map[string]bool{}
	for _, path := range []string{"examples/prometheus/alerts.yml", "examples/prometheus/alerts_test.yml", "docs/single-machine.md"} {
		text, err := os.ReadFile("../../../" + path)
		assert.NilError(t, err)
		found := name.FindAllString(string(text), -1)
		assert.Check(t, len(found) >= 5, "%s names %d metrics", path, len(found))
		for _, metric := range found {
			documented[metric] = documented[metric] || strings.HasSuffix(path, ".md")
			assert.Check(t, serves[metric], "%s names %s, which is not served", path, metric)
		}
	}
	for metric := range serves {
		if strings.HasPrefix(metric, "tokenrefresh_") && !documented[metric] {
			t.Errorf("%s is not documented in docs/single-machine.md", metric)
		}
	}
}
