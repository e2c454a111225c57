package sweep_test

import (
	"fmt"
	"testing"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/store"
	"tokenrefresh/pkg/sweep"
)

// One run does thousands of rows in the time that the workers need for the calls, with no more
// calls at once than workers.
func TestThousandsOfRows(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		const rows, workers = 5000, 32
		w.addDue(rows)
		w.Latency = map[string]time.Duration{opSend: 100 * time.Millisecond, opMany: 10 * time.Millisecond, opUpdate: 10 * time.Millisecond}
		began := time.Now()
		report := w.run(t, sweep.Request{})
		wantOutcomes(t, report, map[outcome.Outcome]int{outcome.Refreshed: rows})
		equal(t, "calls at once", w.most, workers)
		ideal := rows / workers * 110 * time.Millisecond
		between(t, "time", time.Since(began), 0, ideal*105/100)
		equal(t, "next expiry", report.Accounts[0].NextExpiry, began.Add(110*time.Millisecond+lifetime))
		wantOutcomes(t, w.run(t, sweep.Request{}), one(outcome.NotDue))
	})
}

// The workers are shared by the accounts of a run.
func TestWorkersOfAllAccounts(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.Workers, w.Accounts = 4, nil
		for a := range int64(5) {
			name := fmt.Sprint("account-", a)
			w.Accounts = append(w.Accounts, name)
			w.secrets[name] = w.secrets[account]
			for i := range int64(20) {
				w.add(a*100+i+1, func(r *store.Transaction) { r.Account = name })
			}
		}
		w.Latency[opSend] = time.Millisecond
		wantOutcomes(t, w.run(t, sweep.Request{}), map[outcome.Outcome]int{outcome.Refreshed: 100})
		equal(t, "calls at once", w.most, 4)
	})
}

func BenchmarkSweep(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		w := newWorld()
		w.addDue(1000)
		e := w.engine()
		b.StartTimer()
		e.Run(b.Context(), sweep.Request{RunID: "run"})
	}
}
