package health_test

import (
	"errors"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/operator/health"
	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/store"
)

// sweeping is an account with open transactions, all fresh.
func sweeping() health.Credential {
	key := store.Key{Provider: "berbix", Account: "shop"}
	return health.Credential{
		Key: key, Sweep: true, Exists: true,
		Row: store.Row{
			Key: key, Phase: store.Idle, State: store.OK, CredentialsVersionID: "c1",
			LastSuccessAt: in(-10 * time.Minute), LastOutcome: outcome.Refreshed,
		},
		Credentials:  health.Secret{Name: "s/credentials", Version: "c1"},
		Transactions: health.Transactions{Next: in(2 * time.Minute), NextExpiry: in(14 * time.Minute)},
	}
}

// dueFor makes transactions due.
func dueFor(c *health.Credential, n int, since time.Duration) {
	c.Transactions.Due.N, c.Transactions.OldestDue, c.Transactions.Next = n, in(-since), in(-since)
}

func TestVerdictOnTransactions(t *testing.T) {
	t.Parallel()
	const (
		seed   = "tokenctl seed credentials --provider berbix --account shop"
		doctor = "tokenctl doctor"
		once   = "tokenctl refresh --provider berbix --account shop"
	)
	testVerdicts(t, sweeping, map[string]verdict{
		"well":                {func(*credential) {}, health.OK, health.Healthy, "", nil},
		"due a moment ago":    {func(c *credential) { dueFor(c, 3, time.Minute) }, health.OK, health.Healthy, "", nil},
		"no transaction":      {func(c *credential) { c.Transactions = health.Transactions{} }, health.OK, health.Healthy, "", nil},
		"no sweep was needed": {func(c *credential) { c.Row, c.Exists = store.Row{Key: c.Key}, false }, health.OK, health.Healthy, "", nil},
		"not seeded and nothing to do": {func(c *credential) {
			c.Row, c.Exists, c.Transactions, c.Credentials = store.Row{Key: c.Key}, false, health.Transactions{}, empty("s/credentials")
		}, health.Act, health.NotSeeded, "s/credentials", []string{seed}},
		"not seeded and due": {func(c *credential) {
			dueFor(c, 1, time.Second)
			c.Row.LastSuccessAt, c.Credentials = time.Time{}, empty("s/credentials")
		}, health.Act, health.NotSeeded, "s/credentials", []string{seed}},
		"no sweep comes": {func(c *credential) {
			dueFor(c, 2000, 7*time.Minute)
			c.Transactions.Due.More = true
		}, health.Act, health.Silent, "transactions due: 2000+, the oldest for 7m; no sweep has refreshed any since|schedule", []string{doctor, once}},
		"sweeps are too slow": {func(c *credential) {
			dueFor(c, 900, 7*time.Minute)
			c.Row.LastSuccessAt = in(-time.Minute)
		}, health.Act, health.Backlog, "due: 900, the oldest for 7m; sweeps run|BerbixQueueConcurrency", []string{doctor}},
		"the provider is down": {func(c *credential) {
			c.Row.LastOutcome, c.Row.ConsecutiveFailures, c.Row.LastError = outcome.Transient, 2, "transaction 1: HTTP 500"
		}, health.Warn, health.Failing, "in which no call succeeded: 2; the next tick tries again: transaction 1: HTTP 500", []string{doctor}},
		"the provider is down and tokens have ended": {func(c *credential) {
			c.Row.LastOutcome, c.Row.ConsecutiveFailures, c.Transactions.NextExpiry = outcome.Transient, 2, in(-2*time.Minute)
		}, health.Act, health.Failing, "the first access token ended 2m ago", []string{doctor}},
		"the provider is down and much is due": {func(c *credential) {
			dueFor(c, 9, 6*time.Minute)
			c.Row.LastOutcome, c.Row.ConsecutiveFailures = outcome.Transient, 2
		}, health.Act, health.Backlog, "transactions due: 9, the oldest for 6m; sweeps in a row in which no call succeeded: 2", []string{doctor}},
		"rate-limited": {func(c *credential) {
			dueFor(c, 9, 6*time.Minute)
			c.Row.LastOutcome, c.Row.NotBefore = outcome.RateLimited, in(90*time.Second)
		}, health.Warn, health.RateLimited, "no call for another 1m", nil},
		"paused": {func(c *credential) { c.Row.Paused = true }, health.Warn, health.Paused, "", []string{"tokenctl resume --provider berbix --account shop"}},
		"the secret is wrong": {
			func(c *credential) {
				c.Row.State, c.Row.LastOutcome, c.Row.LastError = store.Misconfigured, outcome.Misconfigured, "HTTP 401: the API secret is refused"
			}, health.Act, health.Misconfigured, "the API secret is refused|correct the secret s/credentials",
			[]string{seed, "tokenctl refresh --force --provider berbix --account shop"},
		},
		"the secret was corrected": {func(c *credential) {
			c.Row.State, c.Credentials.Version = store.Misconfigured, "c2"
		}, health.Warn, health.Misconfigured, "a secret was edited since|the next tick tries", []string{doctor}},
		"an entry cannot be read": {
			func(c *credential) { c.Transactions.Err = errors.New("transaction 7: refresh_at") },
			health.Act, health.IndexAtFault, "transaction 7: refresh_at", nil,
		},
	})
}

// All findings are reported, the worst first.
func TestFindings(t *testing.T) {
	t.Parallel()
	c := well()
	c.Key.Account, c.Flags = "shop-2", "--home embedded"
	c.CanLogin, c.Row.State, c.Row.Paused = false, store.Dead, true
	c.Access = health.Secret{Name: "s/access", Fault: health.Missing, Err: store.ErrNoSecret}
	var got []string
	for _, f := range c.Findings(now) {
		got = append(got, string(f.State)+" "+string(f.Condition)+": "+f.Commands[0])
	}
	const of = " --provider hesabe --account shop-2 --home embedded"
	want := []string{
		"act dead: tokenctl seed credentials" + of,
		"act secret: tokenctl seed credentials" + of,
		"warn paused: tokenctl resume" + of,
	}
	assert.Check(t, is.DeepEqual(got, want))
}

func TestNextAttempt(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		c    health.Credential
		is   func(c *health.Credential)
		want time.Time
	}{
		"due":                  {well(), func(*health.Credential) {}, in(8 * time.Minute)},
		"the provider's wish":  {well(), func(c *health.Credential) { c.Row.NotBefore = in(time.Hour) }, in(time.Hour)},
		"the end of a claim":   {well(), func(c *health.Credential) { c.Row.Phase, c.Row.ClaimedUntil = store.Sending, in(5) }, in(5)},
		"paused":               {well(), func(c *health.Credential) { c.Row.Paused = true }, time.Time{}},
		"dead":                 {well(), func(c *health.Credential) { c.Row.State = store.Dead }, time.Time{}},
		"dead and edited":      {well(), func(c *health.Credential) { c.Row.State, c.Tokens.Version = store.Dead, "v2" }, in(8 * time.Minute)},
		"no row":               {well(), fresh, time.Time{}},
		"the first to be due":  {sweeping(), func(*health.Credential) {}, in(2 * time.Minute)},
		"no transaction":       {sweeping(), func(c *health.Credential) { c.Transactions = health.Transactions{} }, time.Time{}},
		"a wait for all":       {sweeping(), func(c *health.Credential) { c.Row.NotBefore = in(time.Hour) }, in(time.Hour)},
		"a row without sense":  {well(), func(c *health.Credential) { c.Row.Unreadable = errors.New("x") }, time.Time{}},
		"sweeps of a new shop": {sweeping(), func(c *health.Credential) { c.Exists = false }, in(2 * time.Minute)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := tt.c
			tt.is(&c)
			got := c.NextAttempt()
			assert.Check(t, got.Equal(tt.want), "%v, want %v", got, tt.want)
		})
	}
}

func TestShort(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0s", 999 * time.Millisecond: "0s", 59 * time.Second: "59s", 119 * time.Second: "1m59s", 10*time.Minute - 1: "9m59s", 10*time.Minute + 59*time.Second: "10m", time.Hour: "1h",
		9*time.Hour + 48*time.Minute + 59*time.Second: "9h48m", 24 * time.Hour: "1d", 76*time.Hour + time.Minute: "3d4h",
	} {
		assert.Check(t, is.Equal(health.Short(d), want), "%v", d)
	}
}
