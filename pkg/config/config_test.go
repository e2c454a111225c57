package config_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/pkg/config"
)

func env(pairs map[string]string) func(string) string {
	return func(name string) string { return pairs[name] }
}

func TestForRefresh(t *testing.T) {
	t.Parallel()
	least := map[string]string{"SECRET_PREFIX": "token-refresh", "LEDGER_TABLE": "ledger"}
	got, err := config.ForRefresh(env(least))
	assert.NilError(t, err)
	want := config.Config{
		SecretPrefix: "token-refresh", Accounts: []string{"default"}, LedgerTable: "ledger",
		ProviderEnvironment: "production", HTTPTimeout: 10 * time.Second, ScheduleRate: time.Minute, MetricsNamespace: "TokenRefresh",
	}
	assert.Check(t, is.DeepEqual(got, want), "defaults")

	got, err = config.ForSweep(env(map[string]string{
		"SECRET_PREFIX": "a/b", "LEDGER_TABLE": "l", "ACCOUNTS": "default, shop-2,default", "PROVIDER_ENVIRONMENT": "sandbox",
		"HTTP_TIMEOUT": "3s", "LOG_LEVEL": "warn", "METRICS_NAMESPACE": "N", "TRANSACTIONS_TABLE": "t", "SWEEP_WORKERS": "128",
		"SWEEP_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/q", "SWEEP_HAND_OVER_ABOVE": "5000",
		"SCHEDULE_RATE": "rate(2 hours)", "EVENT_BUS": "team/tokens",
	}))
	assert.NilError(t, err)
	want = config.Config{
		SecretPrefix: "a/b", Accounts: []string{"default", "shop-2"}, LedgerTable: "l", ProviderEnvironment: "sandbox",
		HTTPTimeout: 3 * time.Second, ScheduleRate: 2 * time.Hour, LogLevel: slog.LevelWarn, MetricsNamespace: "N",
		EventBus: "team/tokens", TransactionsTable: "t", SweepWorkers: 128,
		SweepQueueURL: "https://sqs.eu-west-1.amazonaws.com/123456789012/q", HandOverAbove: 5000,
	}
	assert.Check(t, is.DeepEqual(got, want), "all set")
}

func TestForMachine(t *testing.T) {
	t.Parallel()
	got, err := config.ForMachine(env(map[string]string{"HTTP_TIMEOUT": "3s", "LOG_LEVEL": "warn", "SWEEP_WORKERS": "128", "ACCOUNTS": "a/b"}))
	want := config.Config{HTTPTimeout: 3 * time.Second, LogLevel: slog.LevelWarn, SweepWorkers: 128}
	diff := cmp.Diff(want, got)
	assert.Check(t, diff == "" && err == nil, "error %v, (-want +got):\n%s", err, diff)
	_, err = config.ForMachine(env(map[string]string{"HTTP_TIMEOUT": "1h"}))
	assert.Check(t, err != nil && strings.Contains(err.Error(), "HTTP_TIMEOUT"), "error %v", err)
}

func TestAllMistakesInOneMessage(t *testing.T) {
	t.Parallel()
	_, err := config.ForSweep(env(map[string]string{
		"SECRET_PREFIX": "/a//b", "ACCOUNTS": "ok,no/slash", "PROVIDER_ENVIRONMENT": "staging", "HTTP_TIMEOUT": "1h",
		"LOG_LEVEL": "loud", "SWEEP_WORKERS": "0", "SWEEP_QUEUE_URL": "berbix-queue", "SWEEP_HAND_OVER_ABOVE": "100001",
		"SCHEDULE_RATE": "rate(1 second)", "EVENT_BUS": "a=b",
	}))
	assert.Assert(t, err != nil, "no error")
	for _, name := range []string{
		"SECRET_PREFIX", "ACCOUNTS", "PROVIDER_ENVIRONMENT", "HTTP_TIMEOUT", "LOG_LEVEL", "SWEEP_WORKERS", "LEDGER_TABLE", "TRANSACTIONS_TABLE",
		"SWEEP_QUEUE_URL", "SWEEP_HAND_OVER_ABOVE", "SCHEDULE_RATE", "EVENT_BUS",
	} {
		n := strings.Count(err.Error(), "environment variable "+name+":")
		assert.Check(t, n == 1, "%s is named %d times in:\n%v", name, n, err)
	}
}

func TestScheduleRate(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"rate(1 minute)": time.Minute, "rate(5 minutes)": 5 * time.Minute, "rate(1 hour)": time.Hour, " rate(2 days) ": 48 * time.Hour,
		"": time.Minute, "1 minute": 0, "rate(0 minutes)": 0, "rate(-1 minute)": 0, "rate(1m)": 0, "rate(1 minute": 0,
		"rate(99999999999 days)": 0, "cron(* * * * ? *)": 0,
	} {
		got, err := config.ForRefresh(env(map[string]string{"SECRET_PREFIX": "p", "LEDGER_TABLE": "l", "SCHEDULE_RATE": text}))
		assert.Check(t, got.ScheduleRate == want && (err == nil) == (want != 0),
			"%q: %s, %v", text, got.ScheduleRate, err)
	}
}

func TestValidAccount(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"default": true, "0": true, "a_b.c@d+e=f-g": true, strings.Repeat("a", 64): true,
		"": false, strings.Repeat("a", 65): false, "-a": false, ".": false, "a/b": false, "a b": false, "a#b": false, "é": false,
	} {
		got := config.ValidAccount(name)
		assert.Check(t, got == want, "%q: %t", name, got)
	}
}
