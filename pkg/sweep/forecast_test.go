package sweep_test

import (
	"testing"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
	"tokenrefresh/pkg/sweep"
)

// AttemptsLeft counts the attempts that follow if all of them fail, up to the last that could be in
// time.
func TestAttemptsLeftAreMade(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		ends := w.add(1, func(r *store.Transaction) {
			r.RefreshAt = r.RefreshAt.Add(11 * time.Minute)
			r.AccessExpiresAt = r.AccessExpiresAt.Add(time.Hour)
		}).AccessExpiresAt
		w.add(2, func(r *store.Transaction) { // has more left, and hides nothing
			r.RefreshAt = r.RefreshAt.Add(2 * time.Hour)
			r.AccessExpiresAt = r.AccessExpiresAt.Add(4 * time.Hour)
		})
		w.Reply = always(providers.Unknown)
		w.Latency[opSend] = time.Second // or a wait of a minute, kept to the second, ends with the next tick
		var left []int
		var tried []bool
		for at := time.Now(); at.Before(ends); at = at.Add(time.Minute) {
			time.Sleep(time.Until(at))
			left = append(left, w.run(t, sweep.Request{}).Accounts[0].AttemptsLeft)
			tried = append(tried, len(w.sentNow()) > 0 && !at.After(ends.Add(-15*time.Second)))
		}
		come := 0
		for i := len(left) - 1; i >= 0; i-- {
			if left[i] != come {
				t.Errorf("minute %d: %d left, %d came", i, left[i], come)
			}
			if tried[i] {
				come++
			}
		}
		if come != 13 { // minutes 10, 12, 15, 20, 26, each sixth, 68, and 69 as the last
			t.Errorf("%d attempts", come)
		}
	})
}

func TestAttemptsLeft(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		setup func(w *world)
		after outcome.Outcome
		want  int
	}{
		"no transactions":     {func(*world) {}, outcome.NotDue, pace.MaxAttempts},
		"all are fresh again": {func(w *world) { w.add(1) }, outcome.Refreshed, 5},
		"the first failure":   {failed(providers.Unknown), outcome.Transient, 3},
		"a rate limit": {func(w *world) {
			w.add(1)
			w.Reply = func(string) (providers.Tokens, error) {
				e := fail(providers.RateLimited)
				e.RetryAfter = 8 * time.Minute
				return providers.Tokens{}, e
			}
		}, outcome.RateLimited, 2},
		"wrong API secret": {failed(providers.Misconfigured), outcome.Misconfigured, 0},
		"wrong API secret, tokens of ten hours": {func(w *world) {
			w.add(1, func(r *store.Transaction) { r.AccessExpiresAt = time.Now().Add(10 * time.Hour) })
			w.Reply = always(providers.Misconfigured)
		}, outcome.Misconfigured, 2}, // after 1 h and 7 h
		"turned away":                  {failed(providers.TurnedAway), outcome.Misconfigured, 3},
		"the only transaction is dead": {failed(providers.Refused), outcome.Dead, pace.MaxAttempts},
		"paused: as if it went on": {func(w *world) {
			w.add(1)
			w.setLedger(account, store.Row{Paused: true})
		}, outcome.Paused, 4},
		"never had a token": {func(w *world) {
			failed(providers.Unknown)(w)
			w.add(1, func(r *store.Transaction) { r.AccessToken, r.AccessExpiresAt = secret.String{}, time.Time{} })
		}, outcome.Transient, 0},
	} {
		inOwnWorld(t, name, func(t *testing.T, w *world) {
			tt.setup(w)
			report := w.run(t, sweep.Request{})
			wantOutcomes(t, report, map[outcome.Outcome]int{tt.after: 1})
			equal(t, "attempts left", report.Accounts[0].AttemptsLeft, tt.want)
		})
	}
}

// failed is a world with one row, whose refresh ends like this.
func failed(kind providers.Kind) func(w *world) {
	return func(w *world) {
		w.add(1)
		w.Reply = always(kind)
	}
}
