package sweep_test

import (
	"fmt"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/store"
	"tokenrefresh/pkg/sweep"
)

// refusing makes the provider refuse the rows that is selects, and accept the others.
func (w *world) refusing(is func(id int) bool) {
	w.Reply = func(token string) (providers.Tokens, error) {
		id := idOf(token)
		if is(id) {
			return answered(providers.Refused, 400)
		}
		return fresh(), nil
	}
}

func (w *world) statuses() map[store.Status]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := map[store.Status]int{}
	for _, row := range w.rows {
		all[row.Status]++
	}
	return all
}

// If more than half of at least 20 rows are refused in one run, the cause is ours.
func TestShareOfRefusals(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		rows, refused int
		dead          int
	}{
		"one of one":         {1, 1, 1},
		"all of 19":          {19, 19, 19},
		"all of 20":          {20, 20, 0},
		"half of 20":         {20, 10, 10},
		"one more than half": {20, 11, 0},
		"a few of many":      {500, 40, 40},
		"most of many":       {500, 260, 0},
		"all of many":        {600, 600, 0},
	} {
		inOwnWorld(t, name, func(t *testing.T, w *world) {
			w.healthyWith(tt.rows)
			w.refusing(func(id int) bool { return id <= tt.refused })
			report := w.run(t, sweep.Request{})
			want := map[outcome.Outcome]int{}
			for what, n := range map[outcome.Outcome]int{
				outcome.Refreshed: tt.rows - tt.refused, outcome.Dead: tt.dead, outcome.Misconfigured: tt.refused - tt.dead,
			} {
				if n > 0 {
					want[what] = n
				}
			}
			wantOutcomes(t, report, want)
			equal(t, "dead rows", w.statuses()[store.StatusDead], tt.dead)
			equal(t, "calls", len(w.sentNow()), tt.rows)
			equal(t, "writes of rows", w.counted()[opUpdate], tt.rows)
			for id := range int64(tt.refused) {
				row := w.row(id + 1)
				spared := row.Status == store.StatusActive
				if spared && (row.Refusals != 1 || row.RefreshAt.Before(time.Now())) || !row.RefusedAt.Equal(stored(time.Now())) || row.Failures != 1 {
					t.Fatalf("row %+v", row)
				}
			}
			if tt.dead == 0 {
				wantNeed(t, report, fmt.Sprintf("%d of the %d refresh tokens of this run were refused", tt.refused, tt.rows))
				assert.Check(t, report.Accounts[0].AttemptsLeft != 0, "no attempt is left")
			} else {
				wantNobody(t, report)
			}
		})
	}
}

// Rows without an answer, or with an unknown one, don't make refusals of the others credible.
func TestShareAmongUnknownAnswers(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.healthyWith(60)
		w.Reply = func(token string) (providers.Tokens, error) {
			if id := idOf(token); id%4 == 0 {
				return answered(providers.Refused, 400)
			}
			return answered(providers.TurnedAway, 400+id%40)
		}
		wantOutcomes(t, w.run(t, sweep.Request{}), map[outcome.Outcome]int{outcome.Misconfigured: 60})
	})
}

// Rows are refused by mistake for an hour and a half: all live, and are fresh within the back-off
// afterwards.
func TestMassRefusalPasses(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		const rows = 200
		w.addDue(rows)
		for id := int64(rows + 1); id <= rows+60; id++ { // more come due, one each minute
			w.add(id, func(r *store.Transaction) { r.RefreshAt = in(time.Duration(id-rows) * time.Minute) })
		}
		w.setLedger(account, healthy())
		w.refusing(func(int) bool { return true })
		w.ticks(t, 90)
		// A row that is refused for the first time in a run with a few others only may die.
		equal(t, "rows that were refused by all", w.deadUpTo(rows), 0)
		w.Reply = nil
		w.ticks(t, 6)
		equal(t, "fresh", w.fresh(rows), rows)
	})
}

func (w *world) deadUpTo(last int64) int {
	n := 0
	for id := int64(1); id <= last; id++ {
		if w.row(id).Status == store.StatusDead {
			n++
		}
	}
	return n
}

// A row refused three times, an hour apart, is dead whatever the share.
func TestRefusedThreeTimes(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		const rows = 40
		w.addMany(rows, func(r *store.Transaction) { r.ExpiresAt = time.Time{} })
		w.setLedger(account, healthy())
		w.refusing(func(int) bool { return true })
		began := time.Now()
		for w.statuses()[store.StatusDead] == 0 && time.Since(began) < 6*time.Hour {
			w.run(t, sweep.Request{})
			time.Sleep(time.Minute)
		}
		between(t, "time until the first died", time.Since(began), 2*time.Hour, 2*time.Hour+15*time.Minute)
		w.ticks(t, 6)
		equal(t, "dead", w.statuses()[store.StatusDead], rows)
	})
}

// What counts as three refusals.
func TestRefusalsAreCounted(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		refusals int
		ago      time.Duration
		want     int // 0: dead
		moved    bool
	}{
		"the first":                  {0, 0, 1, true},
		"the second, an hour later":  {1, time.Hour, 2, true},
		"the second, too soon":       {1, time.Hour - time.Second, 1, false},
		"the third":                  {2, time.Hour, 0, true},
		"the third, too soon":        {2, 59 * time.Minute, 2, false},
		"the third, a day later":     {2, 24 * time.Hour, 1, true},
		"counted by a clock ahead":   {2, -time.Hour, 2, true},
		"counted by an old release?": {0, 3 * time.Hour, 1, true},
	} {
		inOwnWorld(t, name, func(t *testing.T, w *world) {
			w.addMany(30, func(r *store.Transaction) { r.Refusals, r.RefusedAt = tt.refusals, stored(time.Now().Add(-tt.ago)) })
			w.setLedger(account, healthy())
			w.refusing(func(int) bool { return true })
			w.run(t, sweep.Request{})
			row := w.row(1)
			if tt.want == 0 {
				equal(t, "status", row.Status, store.StatusDead)
				return
			}
			equal(t, "status", row.Status, store.StatusActive)
			equal(t, "refusals", row.Refusals, tt.want)
			counted := stored(time.Now().Add(-tt.ago))
			if tt.moved {
				counted = stored(time.Now())
			}
			equal(t, "counted", row.RefusedAt, counted)
		})
	}
}

// A row that was spared once is not marked in a run without more evidence.
func TestSparedRowInASmallRun(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		others int // rows that get tokens
		want   outcome.Outcome
	}{"alone": {0, outcome.Misconfigured}, "among rows that live": {3, outcome.Dead}} {
		inOwnWorld(t, name, func(t *testing.T, w *world) {
			w.add(1, func(r *store.Transaction) { r.Refusals, r.RefusedAt = 1, in(-10*time.Minute) })
			for i := range int64(tt.others) {
				w.add(i + 2)
			}
			w.setLedger(account, healthy())
			w.refusing(func(id int) bool { return id == 1 })
			equal(t, "rows", w.run(t, sweep.Request{}).Outcomes[tt.want], 1)
		})
	}
}

// Refused rows that cannot be stored in time stay as they are and due.
func TestRefusalsWithoutTimeToStore(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		before := w.add(1)
		w.setLedger(account, healthy())
		w.refusing(func(int) bool { return true })
		w.Before = failing(opUpdate, errPassing)
		began := time.Now()
		report := w.run(t, sweep.Request{})
		wantOutcomes(t, report, one(outcome.Transient))
		equal(t, "row", w.row(1), before)
		between(t, "time", time.Since(began), 0, 6*time.Second)
	})
}

// Lists are judged like sweeps.
func TestListedRowsAreRefused(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.addDue(250)
		w.helped(&queue{})
		w.refusing(func(int) bool { return true })
		wantOutcomes(t, w.run(t, sweep.Request{Account: account, TransactionIDs: ids(1, 250)}), map[outcome.Outcome]int{outcome.Misconfigured: 250})
	})
}
