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
	var m list[telemetry.Metric]
	m.add(one.Known, expiresIn(one.AccessExpiresAt, now))
	// Before there are credentials, nothing can be lost.
	m.add(one.Known && one.Outcome != outcome.NotSeeded, telemetry.Count(attemptsLeftName, one.AttemptsLeft))
	m.add(!one.RefreshExpiresAt.IsZero(), telemetry.Seconds("RefreshTokenExpiresIn", one.RefreshExpiresAt.Sub(now)))
	m = append(m, outcomeMetrics(map[outcome.Outcome]int{one.Outcome: 1}, waiting)...)
	m.add(one.ProviderLatency > 0, telemetry.Seconds("ProviderLatency", one.ProviderLatency))
	m.add(one.ClockRead, telemetry.Seconds("ClockSkew", one.ClockSkew))
	m.add(one.ProviderLatency > 0, telemetry.Count("SecretVersions", one.Versions))
	return m
}

// sweepMetrics are the metrics of an account's transactions after a sweep that ended now.
func sweepMetrics(a sweep.Account, now time.Time) []telemetry.Metric {
	ends := !a.NextExpiry.IsZero()
	m := list[telemetry.Metric]{telemetry.Count("SweepBacklog", a.Backlog)}
	m.add(a.Backlog > 0, telemetry.Seconds("SweepBacklogAge", now.Sub(a.OldestDue)))
	m.add(a.HandedOver > 0, telemetry.Count("SweepHandedOver", a.HandedOver))
	if ends && a.NextExpiry.Sub(now) < expiryCap || a.Outcomes[outcome.NotSeeded] > 0 {
		m.add(true, expiresIn(a.NextExpiry, now))
	} else {
		m.add(!a.Blind || ends, telemetry.Seconds(expiresInName, expiryCap))
	}
	m.add(!a.Blind || ends, telemetry.Count(attemptsLeftName, a.AttemptsLeft))
	m = append(append(m, outcomeMetrics(a.Outcomes)...), deathMetrics(a)...)
	m.add(a.ProviderLatency > 0, telemetry.Seconds("ProviderLatency", a.ProviderLatency))
	m.add(a.ClockRead, telemetry.Seconds("ClockSkew", a.ClockSkew))
	return m
}

// deathMetrics count the transactions that a run has marked dead. They add up, so a run for named
// transactions has them too.
func deathMetrics(a sweep.Account) []telemetry.Metric {
	var m list[telemetry.Metric]
	m.add(a.Outcomes[outcome.Dead] > 0, telemetry.Count("DeadTransactions", a.Outcomes[outcome.Dead]))
	return m
}

// expiresIn is 0 without a token, so that an account without one is not hidden by another.
func expiresIn(at, now time.Time) telemetry.Metric {
	if at.IsZero() {
		at = now
	}
	return telemetry.Seconds(expiresInName, at.Sub(now))
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
	var m list[telemetry.Metric]
	for _, g := range slices.Concat(groups, more) {
		n := 0
		for _, what := range g.of {
			n += outcomes[what]
		}
		m.add(n > 0, telemetry.Count(g.name, n))
	}
	return m
}
