package sweep_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
	"tokenrefresh/pkg/sweep"
)

// Rows that only a person can mend are named and skipped. They stay the longest due of all; however
// many there are, the others are refreshed at each tick.
func TestRowsForAPerson(t *testing.T) {
	t.Parallel()
	errUnreadable := errors.New("attribute failures is not a number")
	for name, tt := range map[string]struct {
		spoil func(*world, *store.Transaction)
		says  string
	}{
		"unreadable": {
			func(w *world, r *store.Transaction) { w.Unreadable[r.ID] = errUnreadable },
			": attribute failures",
		},
		"without a refresh token": {
			func(_ *world, r *store.Transaction) { r.RefreshToken = secret.String{} },
			" has no refresh token: record it again",
		},
	} {
		inOwnWorld(t, name, func(t *testing.T, w *world) {
			const poisoned, good = 60, 40
			w.Unreadable = map[int64]error{}
			for i := range int64(poisoned) {
				w.add(i+1, func(r *store.Transaction) {
					r.RefreshAt = r.RefreshAt.Add(-time.Hour)
					tt.spoil(w, r)
				})
			}
			for i := range int64(good) {
				w.add(1000 + i)
			}
			for tick := range 2 {
				refreshed := good
				if tick > 0 {
					refreshed = 1
					w.add(2000)
				}
				report := w.run(t, sweep.Request{})
				wantOutcomes(t, report, map[outcome.Outcome]int{outcome.Refreshed: refreshed, outcome.Transient: poisoned})
				wantNobody(t, report)
				equal(t, "backlog", report.Accounts[0].Backlog, poisoned)
				wantWarning(t, report, tt.says)
			}
			equal(t, "sent", len(w.sentNow()), good+1)
		})
	}
}

// After a stop one call, not one row, shows whether calls work again: the first row may need no
// call.
func TestWaryUntilACall(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.addDue(40)
		w.Unreadable = map[int64]error{1: errPassing, 7: errPassing} // the first two that are drawn
		w.Latency[opSend] = time.Second
		w.Reply = always(providers.RateLimited)
		w.setLedger(account, store.Row{NotBefore: time.Now().Add(-time.Second)})
		wantOutcomes(t, w.run(t, sweep.Request{}), map[outcome.Outcome]int{outcome.Transient: 2, outcome.RateLimited: 38})
		equal(t, "sent", w.sentNow(), []string{"rt-13"})
	})
}

// A warning about a row that fails names the row.
func TestFailuresAreNamed(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.add(id)
		w.Reply = always(providers.Unknown)
		report := w.run(t, sweep.Request{})
		wantWarning(t, report, fmt.Sprintf("transaction %d: ", id))
	})
}
