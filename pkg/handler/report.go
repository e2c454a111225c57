// Package handler turns an invocation's payload into a run of an engine, and the run's end into the
// result, log lines and function error of the public contract. It knows neither AWS nor the
// providers.
package handler

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"

	"github.com/google/uuid"

	"tokenrefresh/pkg/announce"
	"tokenrefresh/pkg/brief"
	"tokenrefresh/pkg/config"
	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/telemetry"
)

// Reporter tells how runs end: in the log, as metrics and to other systems.
type Reporter struct {
	NewRunID       func() string // unique to each run: claims are compared by it
	Log            *slog.Logger
	Namespace      string             // of the metrics
	AccountMetrics bool               // whether each account has metrics of its own
	Announce       *announce.Notifier // sends news to other systems; nil: no news

	journal journal
}

func newReporter(cfg config.Config, log *slog.Logger) Reporter {
	return Reporter{NewRunID: uuid.NewString, Log: log, Namespace: cfg.MetricsNamespace, AccountMetrics: cfg.AccountMetrics}
}

// end is how a run ended for an account.
type end struct {
	account       string
	what          outcome.Outcome
	before, noted outcome.Outcome // the last in the ledger, as the run found and left it
	called        bool            // it has a line whatever its outcome
	lives         bool            // its access token has not ended
	metrics       []telemetry.Metric
	err           string
	warnings      []string
	attrs         func() []slog.Attr // of its line
}

// report writes a line for each account that a call was made for or whose outcome has changed, and
// one with attrs for the run. complete: the run has looked at all accounts.
func (r *Reporter) report(ctx context.Context, line telemetry.Line, ends []end, complete bool, attrs ...slog.Attr) {
	var all summary
	quiet := 0 // lines without a call
	for _, e := range ends {
		all.measure(shared(e.metrics, e.what, e.lives))
		changed := r.journal.changed(e.account, e.what, e.before, e.noted)
		if !e.called && changed {
			quiet++
			changed = quiet <= maxChanged
		}
		if !e.called && !changed && !r.AccountMetrics {
			all.add(e)
			continue
		}
		own := line
		own.Account, own.Level, own.Metrics = e.account, level(e.what), e.metrics
		if r.AccountMetrics {
			own.Namespace = r.Namespace
		}
		own.Emit(ctx, r.Log, e.attrs()...)
	}
	if complete {
		r.journal.seenAll()
		all.alive()
	}
	line.Namespace = r.Namespace
	all.emit(ctx, r.Log, line, len(ends), attrs...)
}

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
func (s *summary) add(e end) {
	s.level = max(s.level, level(e.what))
	if e.err != "" {
		s.errs = append(s.errs, fmt.Errorf("%s: %s: %s", e.account, e.what, e.err))
	}
	for _, warning := range e.warnings {
		if len(s.warnings) == brief.Causes {
			s.moreWarnings++
			continue
		}
		s.warnings = append(s.warnings, brief.Text(e.account+": "+warning, brief.MaxText))
	}
}

// emit writes the line. It has at most some 10 KB, however many accounts there are. Without
// metrics, a run without accounts writes nothing.
func (s *summary) emit(ctx context.Context, log *slog.Logger, line telemetry.Line, accounts int, attrs ...slog.Attr) {
	if line.Namespace == "" && accounts == 0 {
		return
	}
	line.Level, line.Metrics = s.level, s.metrics
	all := list[slog.Attr](attrs)
	if err := brief.Errors(s.errs...); err != nil {
		all.add(true, slog.String("error", strings.ReplaceAll(err.Error(), "\n", "; ")))
	}
	all.add(len(s.warnings) > 0, slog.Any("warnings", s.warnings))
	all.add(s.moreWarnings > 0, slog.Int("more_warnings", s.moreWarnings))
	line.Emit(ctx, log, all...)
}

// list is what a line has to say.
type list[T any] []T

// add adds what is worth a word.
func (l *list[T]) add(worth bool, one T) {
	if worth {
		*l = append(*l, one)
	}
}
