package sweep_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/store"
	"tokenrefresh/pkg/sweep"
)

var errQueue = errors.New("model: the queue is down")

// keeps is how many rows a sweep of these tests keeps for itself.
const keeps = 10

// queue models a queue, in memory. The fields in capital letters are a test's
// switches, set before a run.
type queue struct {
	Asking, Sending error // what calls end in
	Refuses         []int // positions of lists that are not taken
	Stuck           bool  // calls last until their timeout
	Panics          bool

	mu       sync.Mutex
	calls    int
	messages [][]int64
}

func (q *queue) call(ctx context.Context, err error) error {
	q.mu.Lock()
	q.calls++
	q.mu.Unlock()
	if q.Panics {
		panic("model: a defect")
	}
	if q.Stuck {
		<-ctx.Done()
		return ctx.Err()
	}
	return err
}

func (q *queue) Waiting(ctx context.Context) (int, error) {
	if err := q.call(ctx, q.Asking); err != nil {
		return 0, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.messages), nil
}

func (q *queue) Send(ctx context.Context, name string, lists [][]int64) (unsent []int, err error) {
	if err := q.call(ctx, q.Sending); err != nil {
		for i := range lists {
			unsent = append(unsent, i)
		}
		return unsent, err
	}
	if name != account {
		return nil, errors.New("model: of " + name)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, list := range lists {
		if slices.Contains(q.Refuses, i) {
			unsent, err = append(unsent, i), errQueue
			continue
		}
		q.messages = append(q.messages, list)
	}
	return unsent, err
}

// take takes up to n messages out of the queue, as one list of rows.
func (q *queue) take(n int) []int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	n = min(n, len(q.messages))
	taken := slices.Concat(q.messages[:n]...)
	q.messages = q.messages[n:]
	return taken
}

// helped is an engine with a queue, for an account with successful calls.
func (w *world) helped(q *queue) *sweep.Engine {
	w.setLedger(account, healthy())
	e := *w.engine()
	e.Queue, e.HandOverAbove = q, keeps
	return &e
}

func healthy() store.Row {
	return store.Row{
		Phase: store.Idle, Fence: 7, State: store.OK, LastOutcome: outcome.Refreshed,
		LastSuccessAt: time.Now().Add(-time.Minute), CredentialsVersionID: "v1",
	}
}

// addDue stores rows 1 to n, the first the longest due, after change.
func (w *world) addDue(n int, change ...func(*store.Transaction)) {
	for i := range n {
		due := func(r *store.Transaction) {
			r.RefreshAt = stored(time.Now().Add(time.Duration(i-n) * time.Second))
			r.AccessExpiresAt = r.RefreshAt.Add(12 * time.Minute)
		}
		w.add(int64(i+1), append([]func(*store.Transaction){due}, change...)...)
	}
}

// healthyWith is addDue for an account with successful calls.
func (w *world) healthyWith(n int, change ...func(*store.Transaction)) {
	w.addDue(n, change...)
	w.setLedger(account, healthy())
}

// ids are those from first to last.
func ids(first, last int64) []int64 {
	var all []int64
	for id := first; id <= last; id++ {
		all = append(all, id)
	}
	return all
}

// Rows beyond the threshold go to the queue, and the longest due stay. Up to the threshold the
// queue is not even called.
func TestHandOver(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		due      int
		messages [][]int64
	}{
		"below":               {keeps - 1, nil},
		"at the threshold":    {keeps, nil},
		"one above":           {keeps + 1, [][]int64{{keeps + 1}}},
		"a message full":      {keeps + 250, [][]int64{ids(keeps+1, keeps+250)}},
		"more than a message": {keeps + 251, [][]int64{ids(keeps+1, keeps+250), {keeps + 251}}},
	} {
		inOwnWorld(t, name, func(t *testing.T, w *world) {
			w.addDue(tt.due)
			q := &queue{}
			handed := max(0, tt.due-keeps)
			report := run(t, w.helped(q), sweep.Request{})
			want := map[outcome.Outcome]int{outcome.Refreshed: tt.due - handed}
			calls := 0
			if handed > 0 {
				want[outcome.Busy] = handed
				calls = 2
			}
			wantOutcomes(t, report, want)
			wantNobody(t, report)
			equal(t, "messages", q.messages, tt.messages)
			equal(t, "calls to the queue", q.calls, calls)
			got := report.Accounts[0]
			equal(t, "handed over", got.HandedOver, handed)
			equal(t, "backlog", got.Backlog, 0)
			equal(t, "warnings", len(got.Warnings), 0)
			if handed > 0 { // its token counts as the old one until a sweep has seen another
				equal(t, "next expiry", got.NextExpiry, w.row(keeps+1).AccessExpiresAt)
			}
		})
	}
}

// With help a sweep looks further than it could get by itself.
func TestHandOverLooksFurther(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		const due = 2600
		for id := int64(1); len(w.rows) < due; id++ {
			if store.ShardOf(id) == 0 {
				w.add(id)
			}
		}
		wantOutcomes(t, run(t, w.helped(&queue{}), sweep.Request{DryRun: true}), map[outcome.Outcome]int{outcome.WouldRefresh: due})
		wantOutcomes(t, w.run(t, sweep.Request{DryRun: true}), map[outcome.Outcome]int{outcome.WouldRefresh: 2500})
	})
}

// One run does all if many runs are not allowed, or would only fail where one finds that out.
func TestNotHandedOver(t *testing.T) {
	t.Parallel()
	set := func(change func(*store.Row)) func(*world) {
		return func(w *world) {
			row := healthy()
			change(&row)
			w.setLedger(account, row)
		}
	}
	for name, tt := range map[string]struct {
		req sweep.Request
		set func(w *world)
	}{
		"forced":         {req: sweep.Request{Force: true}},
		"dry run":        {req: sweep.Request{DryRun: true}},
		"one row":        {req: sweep.Request{TransactionID: 3}},
		"a list of rows": {req: sweep.Request{TransactionIDs: ids(1, 2*keeps)}},
		"never tried":    {set: set(func(r *store.Row) { *r = store.Row{} })},
		"never a success": {set: set(func(r *store.Row) {
			r.LastSuccessAt = time.Time{}
		})},
		"other credentials": {set: func(w *world) { w.setSecret("v2", "good") }},
		"failures in a row": {set: set(func(r *store.Row) { r.ConsecutiveFailures = 1 })},
		"stopped last time": {set: set(func(r *store.Row) { r.LastOutcome = outcome.Transient })},
		"a limit is over":   {set: set(func(r *store.Row) { r.NotBefore = time.Now() })},
		"corrected": {set: func(w *world) {
			set(func(r *store.Row) { r.State = store.Misconfigured })(w)
			w.setSecret("v2", "good")
		}},
	} {
		inOwnWorld(t, name, func(t *testing.T, w *world) {
			w.addDue(2 * keeps)
			q := &queue{}
			e := w.helped(q)
			if tt.set != nil {
				tt.set(w)
			}
			report := run(t, e, tt.req)
			equal(t, "calls to the queue", q.calls, 0)
			equal(t, "busy", report.Outcomes[outcome.Busy], 0)
			if tt.set == nil {
				return
			}
			wantOutcomes(t, report, map[outcome.Outcome]int{outcome.Refreshed: 2 * keeps})
			// It got tokens: from here on the others help.
			time.Sleep(time.Hour)
			wantOutcomes(t, run(t, e, sweep.Request{}), map[outcome.Outcome]int{outcome.Refreshed: keeps, outcome.Busy: keeps})
		})
	}
}

// Waiting messages may hold the longest due rows: those are not sent again, and are reported as
// left.
func TestHandOverToAQueueThatWaits(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		const due = keeps + 600
		w.addDue(due)
		oldest := w.row(keeps + 1).RefreshAt
		q := &queue{messages: [][]int64{ids(1, 100)}}
		report := run(t, w.helped(q), sweep.Request{})
		wantOutcomes(t, report, map[outcome.Outcome]int{outcome.Refreshed: keeps, outcome.Busy: 600})
		equal(t, "messages", q.messages[1:], [][]int64{ids(keeps+251, keeps+500), ids(keeps+501, due)})
		got := report.Accounts[0]
		equal(t, "handed over", got.HandedOver, 350)
		equal(t, "backlog", got.Backlog, 250)
		equal(t, "oldest due", got.OldestDue, oldest)
	})
}

// A queue that nobody empties does not grow with each tick, and its content is reported.
func TestQueueThatNobodyEmpties(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		const rows = 2000
		w.addDue(rows)
		q := &queue{}
		e := w.helped(q)
		for range 10 {
			run(t, e, sweep.Request{})
			time.Sleep(time.Minute)
		}
		equal(t, "messages", len(q.messages), (rows-keeps+249)/250)
		got := run(t, e, sweep.Request{}).Accounts[0]
		equal(t, "backlog", got.Backlog, rows-11*keeps)
		equal(t, "oldest due", got.OldestDue, w.row(11*keeps+1).RefreshAt)
	})
}

// The sweep itself does the rows that the queue does not take.
func TestHandOverFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		q    *queue
		busy int
		says string
	}{
		"it cannot be asked":     {&queue{Asking: errQueue}, 0, "nothing was handed over: model: the queue is down"},
		"it takes nothing":       {&queue{Sending: errQueue}, 0, "not all was handed over: model: the queue is down"},
		"it takes some":          {&queue{Refuses: []int{1}}, 350, "not all was handed over: model: the queue is down"},
		"it does not answer":     {&queue{Stuck: true}, 0, "nothing was handed over: context deadline exceeded"},
		"its client has defects": {&queue{Panics: true}, 0, ""},
	} {
		inOwnWorld(t, name, func(t *testing.T, w *world) {
			const due = keeps + 600
			w.addDue(due)
			report := run(t, w.helped(tt.q), sweep.Request{})
			equal(t, "refreshed", report.Outcomes[outcome.Refreshed], due-tt.busy)
			equal(t, "busy", report.Outcomes[outcome.Busy], tt.busy)
			equal(t, "handed over", report.Accounts[0].HandedOver, tt.busy)
			equal(t, "warnings", strings.Join(report.Accounts[0].Warnings, "\n"), tt.says)
			assert.Check(t, tt.q.Panics == (len(report.Credentials) == 1), "listed: %v", report.Credentials)
		})
	}
}

// Two sweeps at once hand no row over twice: each only what it has claimed.
func TestTwoSweepsHandOver(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		const due = 500
		w.addDue(due)
		w.Latency = map[string]time.Duration{opSend: time.Second, opWrite: time.Millisecond}
		q := &queue{}
		e := w.helped(q)
		var left [2]int
		var wg sync.WaitGroup
		for i, id := range []string{"one", "other"} {
			wg.Go(func() { left[i] = e.Run(t.Context(), sweep.Request{RunID: id}).Accounts[0].Backlog })
		}
		wg.Wait()
		handed := slices.Sorted(slices.Values(q.take(len(q.messages))))
		sent := len(w.sentNow())
		if len(handed) == 0 || len(slices.Compact(slices.Clone(handed))) != len(handed) || len(handed)+sent+left[0]+left[1] != due {
			t.Errorf("%d rows handed over, %d refreshed, %v left, of %d", len(handed), sent, left, due)
		}
	})
}

// Days in the life of a queue, an hour each: ticks, messages that are processed at the same time
// and delivered twice, and an outage in the middle. In the end every row is fresh, and hardly one
// was refreshed twice.
func TestHandedOverRowsBecomeFresh(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		const rows, runs = 1200, 3
		w.addDue(rows)
		w.Latency = map[string]time.Duration{opSend: 200 * time.Millisecond}
		q := &queue{}
		e := w.helped(q)
		e.HandOverAbove = 200
		most := 0
		ticks := func(n int) {
			for range n {
				next := time.Now().Add(time.Minute)
				run(t, e, sweep.Request{})
				most = max(most, len(q.messages))
				var wg sync.WaitGroup
				for range runs {
					wg.Go(func() {
						for list := q.take(2); list != nil; list = q.take(2) {
							for range 2 {
								e.Run(t.Context(), sweep.Request{RunID: "list", Account: account, TransactionIDs: list})
							}
						}
					})
				}
				wg.Wait()
				time.Sleep(time.Until(next))
			}
		}
		ticks(2)
		equal(t, "presented once each", len(w.sentNow()), rows)
		equal(t, "messages at most", most, (rows-200)/250)

		time.Sleep(time.Hour) // all are due again
		w.Reply = always(providers.Unknown)
		ticks(10)
		between(t, "calls to a provider that is down", len(w.sentNow()), 0, 10*32*(runs+1))
		w.Reply = nil
		ticks(62) // the longest back-off, and what it takes then
		equal(t, "fresh", w.fresh(rows), rows)
		equal(t, "messages left", len(q.messages), 0)
	})
}
