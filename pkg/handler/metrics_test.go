package handler_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/refresh/refreshtest"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// metricsOf are the metrics that CloudWatch takes from a line, by name.
func metricsOf(t *testing.T, out *bytes.Buffer) map[string]float64 {
	t.Helper()
	var line struct {
		AWS *struct {
			CloudWatchMetrics []struct {
				Metrics []struct{ Name string }
			}
		} `json:"_aws"`
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	text := []byte(lines[len(lines)-1])
	var fields map[string]any
	assert.NilError(t, json.Unmarshal(text, &line))
	assert.NilError(t, json.Unmarshal(text, &fields))
	metrics := map[string]float64{}
	if line.AWS == nil {
		return metrics
	}
	for _, m := range line.AWS.CloudWatchMetrics[0].Metrics {
		value, ok := fields[m.Name].(float64)
		assert.Check(t, ok, "%s is promised and not there", m.Name)
		metrics[m.Name] = value
	}
	return metrics
}

// Each state of a credential has the metrics that its alarms watch, once.
func TestRefreshMetrics(t *testing.T) {
	t.Parallel()
	due := func(t *testing.T, w *refreshtest.World) {
		t.Helper()
		h, _ := newRefresh(w)
		_, err := h.Invoke(t.Context(), nil)
		assert.NilError(t, err)
		w.Advance(12 * time.Minute)
	}
	failing := func(kind providers.Kind) func(t *testing.T, w *refreshtest.World) {
		return func(t *testing.T, w *refreshtest.World) {
			t.Helper()
			due(t, w)
			w.Secrets.Put(refreshtest.Default, store.Credentials, w.Provider.CredentialsWithoutLogin())
			w.Provider.Answer = refreshtest.Fail(refreshtest.Refresh, kind, false)
		}
	}
	for name, tt := range map[string]struct {
		setup func(t *testing.T, w *refreshtest.World)
		want  map[string]float64
	}{
		"a rotation": {due, map[string]float64{
			"AccessTokenExpiresIn": 900, "AttemptsLeft": 3, "Rotations": 1, "SecretVersions": 2,
		}},
		"nothing is due": {func(t *testing.T, w *refreshtest.World) {
			t.Helper()
			due(t, w)
			w.Advance(-2 * time.Minute)
		}, map[string]float64{"AccessTokenExpiresIn": 300, "AttemptsLeft": 3}},
		"a failure without harm": {failing(providers.RateLimited), map[string]float64{
			"AccessTokenExpiresIn": 180, "AttemptsLeft": 2, "Failures": 1, "SecretVersions": 2,
		}},
		"dead": {failing(providers.Refused), map[string]float64{
			"AccessTokenExpiresIn": 86400, "DeadOrUncertain": 1, "SecretVersions": 2,
		}},
		"uncertain": {failing(providers.Unknown), map[string]float64{
			"AccessTokenExpiresIn": 86400, "DeadOrUncertain": 1, "SecretVersions": 2,
		}},
		"misconfigured": {failing(providers.Misconfigured), map[string]float64{
			"AccessTokenExpiresIn": 86400, "Misconfigured": 1, "SecretVersions": 2,
		}},
		"paused, and the token lives": {func(t *testing.T, w *refreshtest.World) {
			t.Helper()
			due(t, w)
			w.Ledger.Pause(refreshtest.Default, true)
		}, map[string]float64{"AccessTokenExpiresIn": 86400, "AttemptsLeft": 2}},
		"paused, and the token has ended": {func(t *testing.T, w *refreshtest.World) {
			t.Helper()
			due(t, w)
			w.Advance(time.Hour)
			w.Ledger.Pause(refreshtest.Default, true)
		}, map[string]float64{"AccessTokenExpiresIn": 86400}},
		"no account": {func(_ *testing.T, w *refreshtest.World) {
			w.Accounts = nil
		}, map[string]float64{"AccessTokenExpiresIn": 86400}},
		"nobody has put credentials in": {func(_ *testing.T, w *refreshtest.World) {
			w.Secrets.Put(refreshtest.Default, store.Credentials, secret.New("{}"))
		}, map[string]float64{"AccessTokenExpiresIn": 0}},
		"the first login fails": {func(_ *testing.T, w *refreshtest.World) {
			w.Provider.Answer = refreshtest.Fail(refreshtest.Login, providers.NotSent, false)
		}, map[string]float64{"AccessTokenExpiresIn": 0, "AttemptsLeft": 0, "Failures": 1, "SecretVersions": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := refreshtest.New()
			tt.setup(t, w)
			h, out := newRefresh(w)
			_, _ = h.Invoke(t.Context(), nil) // some are function errors
			got := metricsOf(t, out)
			// How long a call took depends on the machine; only that there is a metric is tested.
			_, called := tt.want["SecretVersions"]
			_, measured := got["ProviderLatency"]
			assert.Check(t, measured == called, "there is a ProviderLatency: %t", measured)
			delete(got, "ProviderLatency")
			diff := cmp.Diff(tt.want, got)
			assert.Check(t, diff == "", "(-want +got):\n%s%s", diff, out.String())
		})
	}
}

// Trouble of one account does not hide the state of the others, and counts add up.
func TestMetricsOfManyAccounts(t *testing.T) {
	t.Parallel()
	w := refreshtest.New()
	w.Accounts = nil
	now := w.Now()
	for account, row := range map[string]store.Row{
		"alive":         {State: store.OK, AccessExpiresAt: now.Add(10 * time.Minute), RefreshAt: now.Add(8 * time.Minute)},
		"ends-first":    {State: store.OK, AccessExpiresAt: now.Add(5 * time.Minute), RefreshAt: now.Add(2 * time.Minute)},
		"dead":          {State: store.Dead, AccessExpiresAt: now.Add(time.Minute), RefreshAt: now},
		"uncertain":     {State: store.Uncertain, AccessExpiresAt: now.Add(-time.Hour), RefreshAt: now},
		"misconfigured": {State: store.Misconfigured, AccessExpiresAt: now, RefreshAt: now.Add(time.Hour)},
		"paused":        {State: store.OK, AccessExpiresAt: now.Add(-time.Hour), RefreshAt: now, Paused: true},
	} {
		row.Key = store.Key{Provider: refreshtest.Name, Account: account}
		row.Phase = store.Idle
		w.Add(row.Key)
		v := w.Secrets.Get(row.Key, store.Credentials)
		row.CredentialsVersionID, row.LastOutcome = v.ID, outcome.Outcome(row.State)
		row.SeenVersionID = w.Secrets.Get(row.Key, store.TokensDoc).ID
		w.Ledger.Set(row)
	}
	h, out := newRefresh(w)
	_, err := h.Invoke(t.Context(), nil)
	assert.NilError(t, err)
	want := map[string]float64{"AccessTokenExpiresIn": 300, "AttemptsLeft": 2, "DeadOrUncertain": 2, "Misconfigured": 1}
	diff := cmp.Diff(want, metricsOf(t, out))
	assert.Check(t, diff == "", "(-want +got):\n%s%s", diff, out.String())
}

// Accounts have metrics of their own if AccountMetrics is on.
func TestAccountMetrics(t *testing.T) {
	t.Parallel()
	for _, on := range []bool{false, true} {
		w := refreshtest.New()
		w.Accounts = []string{"default", "zulu"}
		w.Add(store.Key{Provider: refreshtest.Name, Account: "zulu"})
		h, out := newRefresh(w)
		h.AccountMetrics = on
		for range 2 {
			_, err := h.Invoke(t.Context(), nil)
			assert.NilError(t, err)
		}
		want := map[string]int{`"Dimensions":[["provider"]]`: 2, `"Dimensions":[["provider","account"]]`: 0}
		if on {
			want[`"Dimensions":[["provider","account"]]`] = 4 // also where nothing is due
		}
		for text, n := range want {
			got := strings.Count(out.String(), text)
			assert.Check(t, got == n, "on: %t: %d lines with %s, want %d\n%s", on, got, text, n, out.String())
		}
	}
}
