// Package metrics has the Prometheus metrics of the credentials and runs of a single machine.
package metrics

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tokenrefresh/internal/operator/health"
)

const (
	// lookWithin limits a look at the home: Prometheus waits for 10 s.
	lookWithin = 8 * time.Second
	// lookEvery is how long the result of a look is shown again.
	lookEvery = 5 * time.Second
)

// Look reads the state of all credentials.
type Look func(ctx context.Context, now time.Time) ([]health.Credential, error)

// Credentials collects the state of the credentials, read at each scrape: missing runs show as
// times in the past. It is safe for concurrent use.
type Credentials struct {
	Look Look
	Now  func() time.Time

	mu    sync.Mutex
	at    time.Time
	known []health.Credential
	err   error
}

var _ prometheus.Collector = (*Credentials)(nil)

// gauge is a metric of each account.
type gauge struct {
	*prometheus.Desc
	value func(c health.Credential, now time.Time) (value float64, known bool)
}

func number(name, help string, value func(c health.Credential, now time.Time) (float64, bool)) gauge {
	return gauge{prometheus.NewDesc(name, help, []string{"provider", "account"}, nil), value}
}

func timestamp(name, help string, of func(c health.Credential) time.Time) gauge {
	return number(name, help, func(c health.Credential, _ time.Time) (float64, bool) {
		return float64(of(c).UnixMilli()) / 1000, !of(c).IsZero()
	})
}

var (
	gauges = []gauge{
		timestamp("tokenrefresh_token_expiration_timestamp_seconds",
			"When the access token ends; of Berbix the one that ends first. Missing where there is none.",
			health.Credential.AccessExpiresAt),
		timestamp("tokenrefresh_token_renewal_timestamp_seconds",
			"When a run will next try to renew it. Missing where it waits for a person.", health.Credential.NextAttempt),
		timestamp("tokenrefresh_refresh_token_expiration_timestamp_seconds", "When the refresh token ends, where the provider tells.",
			func(c health.Credential) time.Time { return c.Row.RefreshExpiresAt }),
		timestamp("tokenrefresh_token_last_success_timestamp_seconds", "When new tokens were last stored.",
			func(c health.Credential) time.Time { return c.Row.LastSuccessAt }),
		number("tokenrefresh_token_attempts_left", "How many ticks can still renew it before it ends.",
			func(c health.Credential, now time.Time) (float64, bool) {
				left, known := c.AttemptsLeft(now)
				return float64(left), known && !c.AccessExpiresAt().IsZero()
			}),
		number("tokenrefresh_token_consecutive_failures", "How many attempts in a row have failed.",
			func(c health.Credential, _ time.Time) (float64, bool) {
				return float64(c.Row.ConsecutiveFailures), true
			}),
		number("tokenrefresh_token_paused", "1 where a person has paused the calls to the provider.",
			func(c health.Credential, _ time.Time) (float64, bool) { return one(c.Row.Paused), true }),
		number("tokenrefresh_transactions_due", "How many transactions are due now, as far as the head of the index tells.",
			func(c health.Credential, _ time.Time) (float64, bool) { return float64(c.Transactions.Due.N), c.Sweep }),
	}
	ready = prometheus.NewDesc("tokenrefresh_token_ready_status",
		"1 for the condition that holds: True, False where a person must act, Unknown where nobody has set it up.",
		[]string{"provider", "account", "condition"}, nil)
	up = prometheus.NewDesc("tokenrefresh_state_up", "1 where the state could be read at this scrape.", nil, nil)
)

// Describe implements prometheus.Collector.
func (c *Credentials) Describe(to chan<- *prometheus.Desc) {
	to <- ready
	to <- up
	for _, g := range gauges {
		to <- g.Desc
	}
}

// Collect implements prometheus.Collector.
func (c *Credentials) Collect(to chan<- prometheus.Metric) {
	now := c.Now()
	known, err := c.look(context.Background(), now)
	emit := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	emit(up, one(err == nil))
	if err != nil {
		return
	}
	for _, credential := range known {
		if credential.Absent() { // a provider that nobody uses
			continue
		}
		provider, account := credential.Key.Provider, credential.Key.Account
		for _, g := range gauges {
			if value, known := g.value(credential, now); known {
				emit(g.Desc, value, provider, account)
			}
		}
		for _, condition := range []string{"True", "False", "Unknown"} {
			emit(ready, one(condition == conditionOf(credential, now)), provider, account, condition)
		}
	}
}

// look reads the credentials, or returns what was read a moment ago.
func (c *Credentials) look(ctx context.Context, now time.Time) ([]health.Credential, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at.IsZero() || now.Sub(c.at) >= lookEvery {
		ctx, cancel := context.WithTimeout(ctx, lookWithin)
		defer cancel()
		c.known, c.err = c.Look(ctx, now)
		c.at = now
	}
	return c.known, c.err
}

func conditionOf(c health.Credential, now time.Time) string {
	switch f := c.Verdict(now); {
	case f.Condition == health.NotSeeded, f.Condition == health.New:
		return "Unknown"
	case f.State == health.Act:
		return "False"
	}
	return "True"
}

func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
