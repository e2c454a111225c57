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
	namespace = "tokenrefresh"
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

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
}

var (
	expiration = describe("token_expiration_timestamp_seconds",
		"When the access token ends; of Berbix the one that ends first. Missing where there is none.", "provider", "account")
	renewal = describe("token_renewal_timestamp_seconds",
		"When a run will next try to renew it. Missing where it waits for a person.", "provider", "account")
	refreshExpiration = describe("refresh_token_expiration_timestamp_seconds",
		"When the refresh token ends, where the provider tells.", "provider", "account")
	success = describe("token_last_success_timestamp_seconds", "When new tokens were last stored.", "provider", "account")
	ready   = describe("token_ready_status",
		"1 for the condition that holds: True, False where a person must act, Unknown where nobody has set it up.",
		"provider", "account", "condition")
	attempts = describe("token_attempts_left", "How many ticks can still renew it before it ends.", "provider", "account")
	failures = describe("token_consecutive_failures", "How many attempts in a row have failed.", "provider", "account")
	paused   = describe("token_paused", "1 where a person has paused the calls to the provider.", "provider", "account")
	due      = describe("transactions_due", "How many transactions are due now, as far as the head of the index tells.",
		"provider", "account")
	up = describe("state_up", "1 where the state could be read at this scrape.")
)

// Describe implements prometheus.Collector.
func (c *Credentials) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		expiration, renewal, refreshExpiration, success, ready, attempts, failures, paused, due, up,
	} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (c *Credentials) Collect(to chan<- prometheus.Metric) {
	now := c.Now()
	known, err := c.look(context.Background(), now)
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	gauge(up, number(err == nil))
	if err != nil {
		return
	}
	for _, one := range known {
		if one.Absent() { // a provider that nobody uses
			continue
		}
		labels := []string{one.Key.Provider, one.Key.Account}
		for _, m := range []struct {
			desc *prometheus.Desc
			at   time.Time
		}{
			{expiration, one.AccessExpiresAt()},
			{renewal, one.NextAttempt()},
			{refreshExpiration, one.Row.RefreshExpiresAt},
			{success, one.Row.LastSuccessAt},
		} {
			if !m.at.IsZero() {
				gauge(m.desc, float64(m.at.UnixMilli())/1000, labels...)
			}
		}
		for _, condition := range []string{"True", "False", "Unknown"} {
			gauge(ready, number(condition == conditionOf(one, now)), append(labels, condition)...)
		}
		gauge(failures, float64(one.Row.ConsecutiveFailures), labels...)
		gauge(paused, number(one.Row.Paused), labels...)
		if left, known := one.AttemptsLeft(now); known && !one.AccessExpiresAt().IsZero() {
			gauge(attempts, float64(left), labels...)
		}
		if one.Sweep {
			gauge(due, float64(one.Transactions.Due.N), labels...)
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

func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
