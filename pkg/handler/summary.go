package handler

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"

	"tokenrefresh/pkg/brief"
	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/telemetry"
)

// summary collects the one line about all accounts of a run, and the provider's metrics.
type summary struct {
	metrics []telemetry.Metric
	level   slog.Level
	// Of accounts without a line of their own:
	errs         []error
	warnings     []string
	moreWarnings int
}

// measure adds an account's metrics to the provider's.
func (s *summary) measure(metrics []telemetry.Metric) {
	for _, m := range metrics {
		i := slices.IndexFunc(s.metrics, func(other telemetry.Metric) bool { return other.Name == m.Name })
		if i < 0 {
			s.metrics = append(s.metrics, m)
			continue
		}
		s.metrics[i].Value = join(m.Name, s.metrics[i].Value, m.Value)
	}
}

// join makes one value of two accounts' values: the worse one, or the sum of a count.
func join(metric string, a, b float64) float64 {
	switch metric {
	case "AccessTokenExpiresIn", "AttemptsLeft", "RefreshTokenExpiresIn":
		return min(a, b)
	case "ProviderLatency", "SecretVersions", "SweepBacklogAge":
		return max(a, b)
	case "ClockSkew":
		if math.Abs(b) > math.Abs(a) {
			return b
		}
		return a
	default:
		return a + b
	}
}

// alive adds the time left if no account has one. Each run must have this metric: its alarm takes
// silence for a failure.
func (s *summary) alive() {
	if !slices.ContainsFunc(s.metrics, func(m telemetry.Metric) bool { return m.Name == expiresInName }) {
		s.metrics = append(s.metrics, telemetry.Seconds(expiresInName, expiryCap))
	}
}

// add adds what went wrong with an account that has no line of its own.
func (s *summary) add(account string, what outcome.Outcome, text string, warnings []string) {
	s.level = max(s.level, level(what))
	if text != "" {
		s.errs = append(s.errs, fmt.Errorf("%s: %s: %s", account, what, text))
	}
	for _, warning := range warnings {
		if len(s.warnings) == brief.Causes {
			s.moreWarnings++
			continue
		}
		s.warnings = append(s.warnings, brief.Text(account+": "+warning, brief.MaxText))
	}
}

// emit writes the line. It has at most some 10 KB, however many accounts there are. Without
// metrics, a run without accounts writes nothing.
func (s *summary) emit(ctx context.Context, log *slog.Logger, line telemetry.Line, accounts int, attrs ...slog.Attr) {
	if line.Namespace == "" && accounts == 0 {
		return
	}
	line.Level, line.Metrics = s.level, s.metrics
	if err := brief.Errors(s.errs...); err != nil {
		attrs = append(attrs, slog.String("error", strings.ReplaceAll(err.Error(), "\n", "; ")))
	}
	if len(s.warnings) > 0 {
		attrs = append(attrs, slog.Any("warnings", s.warnings))
	}
	if s.moreWarnings > 0 {
		attrs = append(attrs, slog.Int("more_warnings", s.moreWarnings))
	}
	line.Emit(ctx, log, attrs...)
}
