package config_test

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/config"
)

// FuzzForSweep: an accepted configuration is within its bounds, and each line of an error names a
// variable.
func FuzzForSweep(f *testing.F) {
	f.Add("token-refresh", "default", "ledger", "production", "10s", "info", "TokenRefresh", "transactions", "32", "https://sqs.example/1/q", "2000", "rate(1 minute)", "default")
	f.Add("a/b", "default, shop-2,default", "l", "sandbox", "3s", "warn", "N", "t", "256", "http://127.0.0.1:5000/1/q", "1", "rate(5 minutes)", "team/tokens.v1")
	f.Add("", "", "", "", "", "", "", "", "", "", "", "", "")
	f.Add(" a/b ", " ", "l\n", "\tsandbox", "1000ms", "INFO+2", " ", "t", " 1 ", " ", " 7 ", " rate(1 hour)\n", " ")
	f.Add("/a//b", "ok,no/slash", "l", "staging", "1h", "loud", "N", "t", "0", "q", "0", "rate(0 days)", "no spaces")
	f.Add("é", ",", "l", "Production", "1e3s", "debug-9999999999999999999", "N", "t", "+7", "https://%zz", "100001", "rate(+7 minutesss)", "é")
	f.Fuzz(func(t *testing.T, prefix, accounts, ledger, environment, timeout, level, namespace, transactions, workers, queue, keeps, rate, bus string) {
		variables := map[string]string{
			"SECRET_PREFIX": prefix, "ACCOUNTS": accounts, "LEDGER_TABLE": ledger, "PROVIDER_ENVIRONMENT": environment,
			"HTTP_TIMEOUT": timeout, "LOG_LEVEL": level, "METRICS_NAMESPACE": namespace,
			"TRANSACTIONS_TABLE": transactions, "SWEEP_WORKERS": workers,
			"SWEEP_QUEUE_URL": queue, "SWEEP_HAND_OVER_ABOVE": keeps,
			"SCHEDULE_RATE": rate, "EVENT_BUS": bus,
		}
		c, err := config.ForSweep(env(variables))
		refresh, refreshErr := config.ForRefresh(env(variables))
		if err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				name, _, _ := strings.Cut(strings.TrimPrefix(line, "environment variable "), ":")
				_, known := variables[name]
				assert.Check(t, known, "%q names no variable", line)
			}
			return
		}
		sorted := slices.Sorted(slices.Values(c.Accounts))
		switch {
		case len(sorted) == 0 || len(slices.Compact(sorted)) != len(c.Accounts):
			t.Errorf("accounts %q", c.Accounts)
		case slices.ContainsFunc(c.Accounts, func(name string) bool { return !config.ValidAccount(name) }):
			t.Errorf("accounts %q", c.Accounts)
		case c.SecretPrefix == "" || strings.Contains("/"+c.SecretPrefix+"/", "//"):
			t.Errorf("prefix %q", c.SecretPrefix)
		case c.ProviderEnvironment != "production" && c.ProviderEnvironment != "sandbox":
			t.Errorf("environment %q", c.ProviderEnvironment)
		case c.HTTPTimeout < time.Second || c.HTTPTimeout > 13*time.Second:
			t.Errorf("timeout %s", c.HTTPTimeout)
		case c.ScheduleRate < time.Minute || c.ScheduleRate > 1000*24*time.Hour:
			t.Errorf("a run each %s", c.ScheduleRate)
		case c.SweepWorkers < 1 || c.SweepWorkers > 256:
			t.Errorf("%d workers", c.SweepWorkers)
		case c.HandOverAbove < 1 || c.HandOverAbove > 100_000:
			t.Errorf("%d rows are kept", c.HandOverAbove)
		case c.SweepQueueURL != "" && !strings.Contains(c.SweepQueueURL, "://"):
			t.Errorf("queue %q", c.SweepQueueURL)
		case strings.ContainsFunc(c.EventBus, unicode.IsSpace) || len(c.EventBus) > 256:
			t.Errorf("event bus %q", c.EventBus)
		case c.LedgerTable == "" || c.TransactionsTable == "" || c.MetricsNamespace == "":
			t.Errorf("a name is missing: %+v", c)
		}
		c.TransactionsTable, c.SweepWorkers, c.SweepQueueURL, c.HandOverAbove = "", 0, "", 0
		diff := cmp.Diff(c, refresh)
		assert.Check(t, diff == "" && refreshErr == nil, "%v (-sweep +refresh):\n%s", refreshErr, diff)
	})
}
