package metrics

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"tokenrefresh/pkg/outcome"
)

// Runs counts what the runs of this process do. It is safe for concurrent use.
type Runs struct {
	now      func() time.Time
	outcomes *prometheus.CounterVec
	duration *prometheus.HistogramVec
	latency  *prometheus.HistogramVec
	ended    *prometheus.GaugeVec

	mu    sync.Mutex
	begun map[string]time.Time // runs under way, by provider
}

// seconds are the buckets of durations: a provider's call takes 10 s at most, a run a minute and
// a half.
var seconds = []float64{0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 90}

// NewRuns makes the metrics of runs in a registry.
func NewRuns(registry prometheus.Registerer, now func() time.Time) *Runs {
	in, provider := promauto.With(registry), []string{"provider"}
	return &Runs{
		now: now, begun: map[string]time.Time{},
		outcomes: in.NewCounterVec(prometheus.CounterOpts{
			Name: "tokenrefresh_run_outcomes_total", Help: "How runs have ended for credentials and transactions, by outcome.",
		}, []string{"provider", "outcome"}),
		duration: in.NewHistogramVec(prometheus.HistogramOpts{
			Name: "tokenrefresh_run_duration_seconds", Help: "How long runs took.", Buckets: seconds,
		}, provider),
		latency: in.NewHistogramVec(prometheus.HistogramOpts{
			Name: "tokenrefresh_provider_request_duration_seconds",
			Help: "How long the providers' answers took; of a sweep, the slowest.", Buckets: seconds,
		}, provider),
		ended: in.NewGaugeVec(prometheus.GaugeOpts{
			Name: "tokenrefresh_run_last_timestamp_seconds", Help: "When the last run ended.",
		}, provider),
	}
}

// Begin notes that a run has begun, and returns what notes its end.
func (r *Runs) Begin(provider string) func(outcomes map[outcome.Outcome]int) {
	began := r.now()
	r.mu.Lock()
	r.begun[provider] = began
	r.mu.Unlock()
	return func(outcomes map[outcome.Outcome]int) {
		r.mu.Lock()
		delete(r.begun, provider)
		r.mu.Unlock()
		for what, n := range outcomes {
			r.outcomes.WithLabelValues(provider, string(what)).Add(float64(n))
		}
		now := r.now()
		r.duration.WithLabelValues(provider).Observe(now.Sub(began).Seconds())
		r.ended.WithLabelValues(provider).Set(float64(now.UnixMilli()) / 1000)
	}
}

// hung is how long a run may take before it counts as hanging: it ends by itself after a minute and
// a half.
const hung = 5 * time.Minute

// Alive is an error if a run hangs.
func (r *Runs) Alive() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for provider, began := range r.begun {
		if took := r.now().Sub(began); took > hung {
			return fmt.Errorf("the run of %s hangs since %s", provider, began.UTC().Format(time.RFC3339))
		}
	}
	return nil
}

// Observe is a handler of logs that reads the providers' latencies from the lines of runs.
func (r *Runs) Observe(next slog.Handler) slog.Handler { return &observer{next, r} }

type observer struct {
	slog.Handler
	runs *Runs
}

// Handle implements slog.Handler.
func (o *observer) Handle(ctx context.Context, record slog.Record) error {
	var provider, account string
	latency := -1.0
	record.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "provider":
			provider = a.Value.String()
		case "account":
			account = a.Value.String()
		case "ProviderLatency":
			latency = a.Value.Float64()
		}
		return true
	})
	if provider != "" && account != "" && latency >= 0 { // 0: an answer within a millisecond; the summary repeats the slowest
		o.runs.latency.WithLabelValues(provider).Observe(latency)
	}
	return o.Handler.Handle(ctx, record)
}

// WithAttrs implements slog.Handler.
func (o *observer) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &observer{o.Handler.WithAttrs(attrs), o.runs}
}

// WithGroup implements slog.Handler.
func (o *observer) WithGroup(name string) slog.Handler {
	return &observer{o.Handler.WithGroup(name), o.runs}
}
