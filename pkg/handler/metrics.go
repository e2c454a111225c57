package handler

import (
	"slices"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/refresh"
	"tokenrefresh/pkg/sweep"
	"tokenrefresh/pkg/telemetry"
)

const (
	expiresInName    = "AccessTokenExpiresIn"
	attemptsLeftName = "AttemptsLeft"
	// expiryCap is the AccessTokenExpiresIn of a provider without a token that could end. The
	// metric must be there, or its alarm would take the silence for a failure.
	expiryCap = 24 * time.Hour
)

// shared returns the metrics of an account that count for its provider. An account that waits for a
// person has alarms of its own, and a person knows of a paused one: both would hide the state of
// the others. A pause counts by the attempts left while its token lives, so that a forgotten pause
// rings before the token ends.
func shared(metrics []telemetry.Metric, what outcome.Outcome, lives bool) []telemetry.Metric {
	waits := what == outcome.Dead || what == outcome.Uncertain || what == outcome.Misconfigured
	paused := what == outcome.Paused
	if !waits && !paused {
		return metrics
	}
	return slices.DeleteFunc(slices.Clone(metrics), func(m telemetry.Metric) bool {
		return m.Name == expiresInName || m.Name == attemptsLeftName && (waits || !lives)
	})
}

// refreshMetrics are the metrics of a credential after a run that ended now. Each run has those
// whose absence rings an alarm. It has the others only if they have something to report, because
// each hour with a metric costs money.
func refreshMetrics(one refresh.Result, now time.Time) []telemetry.Metric {
	var metrics []telemetry.Metric
	if one.Known {
		metrics = append(metrics, expiresIn(one.AccessExpiresAt, now))
	}
	if one.Known && one.Outcome != outcome.NotSeeded { // nothing to lose yet
		metrics = append(metrics, telemetry.Count(attemptsLeftName, one.AttemptsLeft))
	}
	if !one.RefreshExpiresAt.IsZero() {
		metrics = append(metrics, telemetry.Seconds("RefreshTokenExpiresIn", one.RefreshExpiresAt.Sub(now)))
	}
	metrics = append(metrics, outcomeMetrics(map[outcome.Outcome]int{one.Outcome: 1}, waiting)...)
	metrics = append(metrics, callMetrics(one.ProviderLatency, one.ClockSkew, one.ClockRead)...)
	if one.ProviderLatency > 0 {
		metrics = append(metrics, telemetry.Count("SecretVersions", one.Versions))
	}
	return metrics
}

// sweepMetrics are the metrics of an account's transactions after a sweep that ended now.
func sweepMetrics(a sweep.Account, now time.Time) []telemetry.Metric {
	metrics := []telemetry.Metric{telemetry.Count("SweepBacklog", a.Backlog)}
	if a.Backlog > 0 {
		metrics = append(metrics, telemetry.Seconds("SweepBacklogAge", now.Sub(a.OldestDue)))
	}
	if a.HandedOver > 0 {
		metrics = append(metrics, telemetry.Count("SweepHandedOver", a.HandedOver))
	}
	switch {
	case !a.NextExpiry.IsZero() && a.NextExpiry.Sub(now) < expiryCap, a.Outcomes[outcome.NotSeeded] > 0:
		metrics = append(metrics, expiresIn(a.NextExpiry, now))
	case !a.Blind, !a.NextExpiry.IsZero():
		metrics = append(metrics, telemetry.Seconds(expiresInName, expiryCap))
	}
	if !a.Blind || !a.NextExpiry.IsZero() {
		metrics = append(metrics, telemetry.Count(attemptsLeftName, a.AttemptsLeft))
	}
	metrics = append(metrics, outcomeMetrics(a.Outcomes)...)
	metrics = append(metrics, deathMetrics(a)...)
	return append(metrics, callMetrics(a.ProviderLatency, a.ClockSkew, a.ClockRead)...)
}

// deathMetrics count the transactions that a run has marked dead. They add up, so a run for named
// transactions has them too.
func deathMetrics(a sweep.Account) []telemetry.Metric {
	if n := a.Outcomes[outcome.Dead]; n > 0 {
		return []telemetry.Metric{telemetry.Count("DeadTransactions", n)}
	}
	return nil
}

// expiresIn is 0 without a token, so that an account without one is not hidden by another.
func expiresIn(at, now time.Time) telemetry.Metric {
	if at.IsZero() {
		at = now
	}
	return telemetry.Seconds(expiresInName, at.Sub(now))
}

// callMetrics are the metrics of a provider call.
func callMetrics(latency, skew time.Duration, clockRead bool) []telemetry.Metric {
	var metrics []telemetry.Metric
	if latency > 0 {
		metrics = append(metrics, telemetry.Seconds("ProviderLatency", latency))
	}
	if clockRead {
		metrics = append(metrics, telemetry.Seconds("ClockSkew", skew))
	}
	return metrics
}

// group counts outcomes in a metric.
type group struct {
	name string
	of   []outcome.Outcome
}

// groups are the outcomes of credentials and of rows as metrics. Each costs money, so there are no
// more than alarms and lines of the dashboard need. The log has each outcome.
var groups = []group{
	{"Rotations", []outcome.Outcome{outcome.Refreshed, outcome.LoggedIn, outcome.Recovered}},
	{"Failures", []outcome.Outcome{outcome.RateLimited, outcome.Transient}},
	{"PersistFailed", []outcome.Outcome{outcome.PersistFailed}},
	{"Misconfigured", []outcome.Outcome{outcome.Misconfigured}},
	{"Left", []outcome.Outcome{outcome.Left}},
}

// waiting counts credentials without a chain that can go on.
var waiting = group{"DeadOrUncertain", []outcome.Outcome{outcome.Dead, outcome.Uncertain}}

func outcomeMetrics(outcomes map[outcome.Outcome]int, more ...group) []telemetry.Metric {
	var metrics []telemetry.Metric
	for _, g := range slices.Concat(groups, more) {
		n := 0
		for _, what := range g.of {
			n += outcomes[what]
		}
		if n > 0 {
			metrics = append(metrics, telemetry.Count(g.name, n))
		}
	}
	return metrics
}
