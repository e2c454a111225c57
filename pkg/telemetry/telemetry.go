// Package telemetry writes what a run did, as JSON lines on standard output. CloudWatch turns them
// into metrics by itself (EMF, the embedded metric format), without an agent or a further API call.
package telemetry

import (
	"bytes"
	"context"
	"io"
	"log"
	"log/slog"
	"time"
)

// Metric is one value with its CloudWatch unit.
type Metric struct {
	Name, Unit string
	Value      float64 `json:"-"` // it stands beside the definition of the metric
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

// The messages of lines.
const (
	Run     = "run"     // of one account
	Summary = "summary" // of a whole run
)

// Line is a run's report on one account, or on all of them.
type Line struct {
	Namespace string // empty: the values are attributes, and CloudWatch makes no metrics of them
	Provider  string
	Account   string // empty: the line is a Summary, and its metrics are the provider's
	At        time.Time
	Level     slog.Level // the zero value is INFO
	Metrics   []Metric
}

// Emit writes the line, with further attributes that are not metrics. Without metrics it is a plain
// line. No log level hides it.
func (l Line) Emit(ctx context.Context, log *slog.Logger, attrs ...slog.Attr) {
	all := make([]slog.Attr, 0, len(attrs)+len(l.Metrics)+3)
	all = append(all, slog.String("provider", l.Provider))
	message := Summary
	if l.Account != "" {
		message = Run
		all = append(all, slog.String("account", l.Account))
	}
	all = append(all, attrs...)
	if len(l.Metrics) > 0 && l.Namespace != "" {
		all = append(all, slog.Any("_aws", l.header()))
	}
	for _, m := range l.Metrics {
		all = append(all, slog.Float64(m.Name, m.Value))
	}
	record := slog.NewRecord(l.At, l.Level, message, 0)
	record.AddAttrs(all...)
	_ = log.Handler().Handle(ctx, record)
}

// header is the _aws object of the embedded metric format.
func (l Line) header() any {
	dimensions := []string{"provider"}
	if l.Account != "" {
		dimensions = append(dimensions, "account")
	}
	type directive struct {
		Namespace  string
		Dimensions [][]string
		Metrics    []Metric
	}
	return struct {
		Timestamp         int64
		CloudWatchMetrics []directive
	}{l.At.UnixMilli(), []directive{{l.Namespace, [][]string{dimensions}, l.Metrics}}}
}

// GuardStandardLog makes the standard logger write to w, and cuts each message at the first
// quotation mark. net/http logs bytes after a complete answer there, and quotes them: they may hold
// a token.
func GuardStandardLog(w io.Writer) { log.SetOutput(unquoted{w}) }

type unquoted struct{ to io.Writer }

// Write implements io.Writer.
func (u unquoted) Write(message []byte) (int, error) {
	before, _, quotes := bytes.Cut(message, []byte(`"`))
	if quotes {
		before = append(bytes.Clone(before), "[…]\n"...)
	}
	if _, err := u.to.Write(before); err != nil {
		return 0, err
	}
	return len(message), nil
}
