// Package telemetry writes what a run did: one JSON line for each credential, on
// standard output, which CloudWatch turns into metrics by itself (EMF, the
// embedded metric format). There is no agent and no further API call.
package telemetry

import (
	"context"
	"io"
	"log/slog"
	"time"
)

// Metric is one value with its CloudWatch unit.
type Metric struct {
	Name  string
	Unit  string
	Value float64
}

// Seconds makes a metric of a duration.
func Seconds(name string, d time.Duration) Metric {
	return Metric{Name: name, Unit: "Seconds", Value: d.Truncate(time.Millisecond).Seconds()}
}

// Count makes a metric of a number of things.
func Count(name string, n int) Metric { return Metric{Name: name, Unit: "Count", Value: float64(n)} }

// NewLogger logs JSON lines to w.
func NewLogger(w io.Writer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}))
}

// Emit writes one line with the metrics under the dimensions provider and account.
// Without metrics it is a plain line. The level never hides it.
func Emit(
	ctx context.Context, log *slog.Logger, namespace, provider, account string, at time.Time, metrics []Metric, attrs ...slog.Attr,
) {
	all := make([]slog.Attr, 0, len(attrs)+len(metrics)+3)
	all = append(all, slog.String("provider", provider), slog.String("account", account))
	all = append(all, attrs...)
	if len(metrics) > 0 {
		all = append(all, slog.Any("_aws", header(namespace, at, metrics)))
		for _, m := range metrics {
			all = append(all, slog.Float64(m.Name, m.Value))
		}
	}
	record := slog.NewRecord(at, slog.LevelInfo, "run", 0)
	record.AddAttrs(all...)
	_ = log.Handler().Handle(ctx, record)
}

type directive struct {
	Namespace  string       `json:"Namespace"`
	Dimensions [][]string   `json:"Dimensions"`
	Metrics    []definition `json:"Metrics"`
}

type definition struct {
	Name string `json:"Name"`
	Unit string `json:"Unit"`
}

// header is the _aws object of the embedded metric format.
func header(namespace string, at time.Time, metrics []Metric) any {
	d := directive{Namespace: namespace, Dimensions: [][]string{{"provider", "account"}}}
	for _, m := range metrics {
		d.Metrics = append(d.Metrics, definition{m.Name, m.Unit})
	}
	return struct {
		Timestamp         int64       `json:"Timestamp"`
		CloudWatchMetrics []directive `json:"CloudWatchMetrics"`
	}{at.UnixMilli(), []directive{d}}
}
