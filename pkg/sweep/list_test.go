package sweep_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/store"
	"tokenrefresh/pkg/sweep"
)

// A list's rows are read again: those due are refreshed, once however often they are named. It
// claims no shard, and if all goes well does not write to the ledger.
func TestListedRows(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.addDue(4)
		w.add(5, dueLater)
		w.add(6, dead)
		w.add(7, func(r *store.Transaction) { r.Account = "other" })
		w.helped(&queue{})
		before := w.ledgerRow(account)
		w.setClaim(1, store.ShardClaim{Fence: 1, Holder: "a sweep", Until: in(time.Hour)})

		req := sweep.Request{Account: account, TransactionIDs: []int64{3, 1, 3, 5, 6, 7, 8, 1}}
		report := w.run(t, req)
		wantOutcomes(t, report, map[outcome.Outcome]int{outcome.Refreshed: 2, outcome.NotDue: 4})
		equal(t, "warnings", report.Accounts[0].Warnings, []string{"transaction 7 is of another account"})
		equal(t, "next expiry", report.Accounts[0].NextExpiry, time.Time{})
		equal(t, "sent", slices.Sorted(slices.Values(w.sentNow())), []string{"rt-1", "rt-3"})
		calls := w.counted()
		equal(t, "queries and writes", []int{calls[opDue], calls[opWrite]}, []int{0, 0})
		equal(t, "ledger", w.ledgerRow(account), before)

		// Delivered again, and for the default account if none is named.
		req.Account = ""
		wantOutcomes(t, w.run(t, req), map[outcome.Outcome]int{outcome.NotDue: 6})
		equal(t, "sent again", len(w.sentNow()), 0)
	})
}

// Calls that must fail, by the ledger, are not tried: a hundred messages must not find that out a
// hundred times.
func TestListedRowsInTrouble(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		row  store.Row
		want outcome.Outcome
	}{
		"paused":            {store.Row{Paused: true}, outcome.Paused},
		"rate limited":      {store.Row{NotBefore: in(time.Minute)}, outcome.RateLimited},
		"a limit is over":   {store.Row{NotBefore: in(0)}, outcome.Transient},
		"failures in a row": {store.Row{ConsecutiveFailures: 3}, outcome.Transient},
		"stopped last time": {store.Row{LastOutcome: outcome.Transient}, outcome.Transient},
		"misconfigured":     {store.Row{State: store.Misconfigured, CredentialsVersionID: "v1"}, outcome.Transient},
	} {
		inOwnWorld(t, name, func(t *testing.T, w *world) {
			w.addDue(20)
			w.setLedger(account, tt.row)
			report := w.run(t, sweep.Request{Account: account, TransactionIDs: ids(1, 20)})
			wantOutcomes(t, report, map[outcome.Outcome]int{tt.want: 20})
			wantNobody(t, report)
			equal(t, "calls", w.counted(), map[string]int{opRows: 1})
		})
	}
}

// The provider goes down, or refuses all, while a hundred messages wait: the runs that have begun
// stop as a sweep does, one of them records it, and no other tries.
func TestListsStopEachOther(t *testing.T) {
	t.Parallel()
	const atOnce, workers = 4, 8
	for name, tt := range map[string]struct {
		kind  providers.Kind
		check func(store.Row) bool
		want  outcome.Outcome // of the lists that come later
	}{
		"down": {
			providers.Unknown,
			func(r store.Row) bool { return r.ConsecutiveFailures == 1 && r.LastOutcome == outcome.Transient },
			outcome.Transient,
		},
		"rate limit": {
			providers.RateLimited,
			func(r store.Row) bool { return r.NotBefore.After(time.Now()) },
			outcome.RateLimited,
		},
		"wrong credentials": {
			providers.Misconfigured,
			func(r store.Row) bool { return r.State == store.Misconfigured && r.CredentialsVersionID == "v1" },
			outcome.Transient,
		},
	} {
		inOwnWorld(t, name, func(t *testing.T, w *world) {
			const lists, each = 100, 20
			w.addDue(lists * each)
			w.Reply = always(tt.kind)
			w.Latency[opSend] = time.Second
			e := w.helped(&queue{})
			e.Workers = workers
			list := func(i int64) sweep.Report {
				return e.Run(t.Context(), sweep.Request{RunID: "run", Account: account, TransactionIDs: ids(i*each+1, (i+1)*each)})
			}
			var wg sync.WaitGroup
			for i := range int64(atOnce) {
				wg.Go(func() { list(i) })
			}
			wg.Wait()
			if row := w.ledgerRow(account); !tt.check(row) || !row.LastSuccessAt.Before(time.Now().Add(-time.Minute)) {
				t.Errorf("ledger: %+v", row)
			}
			between(t, "calls of the runs at once", len(w.sentNow()), 1, atOnce*4*3)
			for i := range int64(lists - atOnce) {
				wantOutcomes(t, list(i+atOnce), map[outcome.Outcome]int{tt.want: each})
			}
			equal(t, "calls of the rest", len(w.sentNow()), 0)
		})
	}
}
