package refresh

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/store"
)

const (
	// reserve is left of a run's time for its metrics, its log and its answer, and reserveEach
	// more for each account. At a 128 MB share of a processor a run over 10,000 accounts with
	// nothing to do takes 3 s in all.
	reserve     = 1500 * time.Millisecond
	reserveEach = 100 * time.Microsecond
)

// ErrCutShort means that the run ended before its work on an account, so the result is not known.
var ErrCutShort = errors.New("the run's time was over while it was at work: a later run finishes it")

// Run looks at every credential once, or at the one that req names, and does what is due, in the
// order of order.go. One credential's trouble does not affect others. Run begins no work that might
// not end before ctx does; accounts that it leaves to the next run end as outcome.Left.
//
// With several credentials, and a deadline of ctx, it returns early enough for metrics and an
// answer, even if calls hang. It does not end those calls: their late effects are like those of a
// frozen process, and the guards of all writes protect against both.
func (e *Engine) Run(ctx context.Context, req Request) []Result {
	deadline, bounded := ctx.Deadline()
	ctx, cancel := pace.Bounded(ctx, e.RunTimeout)
	defer cancel()
	req.began = e.Now()
	rows, err := e.rows(ctx, req.Account)
	if err != nil {
		return e.withoutLedger(req, err)
	}
	for _, k := range rows {
		if awaitsEdit(k.row, req.began) {
			req.waiting++
		}
	}
	if len(rows) == 1 {
		req.waiting = 0
		return []Result{e.one(ctx, req, rows[0], (*visit).run)}
	}
	r := &run{
		req: req, rows: rows, results: make([]Result, len(rows)),
		queue: newQueue(max(1, e.Parallel)), working: map[int]candidate{}, throttle: &throttle{rate: e.WriteRate},
	}
	throttled := *e
	throttled.Secrets = throttledSecrets{e.Secrets, r.throttle}
	r.Engine = &throttled
	if bounded {
		over := time.NewTimer(time.Until(deadline) - reserve - time.Duration(len(rows))*reserveEach)
		defer over.Stop()
		r.over = over.C
	}
	r.all(ctx)
	return r.results
}

// run is the work of a Run over several credentials. Its methods are called by one goroutine.
type run struct {
	*Engine
	req     Request
	rows    []credential
	results []Result
	probes  *probes
	queue   *queue
	working map[int]candidate // the slots, by their rows
	over    <-chan time.Time  // when it has to end

	throttle *throttle
}

// finished is how work on a credential ended.
type finished struct {
	row    int
	result Result
}

// all works on all credentials.
func (r *run) all(ctx context.Context) {
	var rest []int
	r.probes, rest = newProbes(r.rows, r.req.began)
	r.look(ctx, rest)
	done := make(chan finished, r.queue.slots)
	for {
		if r.queue.empty() && len(r.working) == 0 {
			rest := r.probes.releaseAll() // of probes that were left over
			if len(rest) == 0 {
				return
			}
			r.look(ctx, rest)
			continue
		}
		if !r.queue.empty() && r.late(ctx) {
			r.leave(ctx)
			continue
		}
		var turn <-chan time.Time
		if !r.queue.empty() && len(r.working) < r.queue.slots {
			wait := r.wait()
			if wait <= 0 {
				r.begin(ctx, done)
				continue
			}
			turn = time.After(wait)
		}
		select {
		case <-turn:
		case f := <-done:
			r.end(ctx, f)
		case <-r.over:
			r.cutShort(ctx)
			return
		}
	}
}

// look decides about credentials by their rows alone. Those with work to do join the queue, as left
// until they have a slot. The others are done, and have cost no call.
func (r *run) look(ctx context.Context, rows []int) {
	var all []candidate
	for _, i := range rows {
		req := r.request(i)
		r.results[i] = r.one(ctx, req, r.rows[i], func(a *visit, ctx context.Context) Result {
			step := a.consider(ctx)
			if step.Do == Wait {
				a.reasons = append(a.reasons, step.Reason)
				result, _ := a.do(ctx, step)
				return result
			}
			silent := silentRow(a.v.Row) && !r.probes.answered[a.v.Row.Host]
			all = append(all, a.v.candidate(i, req.began, silent))
			return Result{Outcome: outcome.Left}
		})
	}
	r.queue.add(all...)
}

// request is the run's request for one credential.
func (r *run) request(i int) Request {
	req := r.req
	req.probe = r.probes.passes(i, r.rows[i].row)
	return req
}

func (r *run) late(ctx context.Context) bool {
	return !r.req.DryRun && pace.Enough(ctx, r.needed()) != nil
}

// leave ends the credentials in the queue: there is no time left to begin them. Their visits find
// that out from their rows (noTimeLeft, looksLater), and call no provider.
func (r *run) leave(ctx context.Context) {
	for _, c := range r.queue.takeAll() {
		r.results[c.row] = r.one(ctx, r.request(c.row), r.rows[c.row], (*visit).run)
	}
}

// wait is how long the next credential must wait, apart from slots.
func (r *run) wait() time.Duration {
	if r.req.DryRun || !r.queue.paced() {
		return 0
	}
	return r.throttle.wait(time.Now())
}

// begin gives the next credential a slot.
func (r *run) begin(ctx context.Context, done chan<- finished) {
	c := r.queue.take()
	r.working[c.row] = c
	req, k := r.request(c.row), r.rows[c.row]
	go func() { done <- finished{c.row, r.one(ctx, req, k, (*visit).run)} }()
}

// end frees the slot.
func (r *run) end(ctx context.Context, f finished) {
	c := r.working[f.row]
	delete(r.working, f.row)
	r.queue.release(c)
	if c.paced && f.result.ProviderLatency == 0 && !f.result.Outcome.Rotates() {
		r.throttle.unused()
	}
	r.results[f.row] = f.result
	if rest := r.probes.ended(f.row, r.rows[f.row].row, f.result); len(rest) > 0 {
		r.look(ctx, rest)
	}
}

// cutShort ends the run while it is at work. Nothing is begun after it.
func (r *run) cutShort(ctx context.Context) {
	r.look(ctx, r.probes.releaseAll())
	for i := range r.working {
		r.results[i] = Result{Account: r.rows[i].row.Account, Outcome: outcome.Transient, Err: ErrCutShort}
	}
}

// credential is a credential of the run, with its row, if it has one.
type credential struct {
	row    store.Row
	exists bool
}

// rows lists the credentials to look at, in order of account.
func (e *Engine) rows(ctx context.Context, account string) ([]credential, error) {
	if account != "" {
		key := store.Key{Provider: e.Provider.Name(), Account: account}
		row, exists, err := e.Ledger.Row(ctx, key)
		if err != nil {
			return nil, err
		}
		row.Key = key
		return []credential{{row, exists}}, nil
	}
	stored, err := e.Ledger.Rows(ctx, e.Provider.Name())
	if err != nil {
		return nil, err
	}
	all := make([]credential, 0, len(stored)+len(e.Accounts))
	for _, r := range stored {
		all = append(all, credential{r, true})
	}
	for _, account := range e.Accounts {
		if !slices.ContainsFunc(all, func(k credential) bool { return k.row.Account == account }) {
			all = append(all, credential{row: store.Row{Key: store.Key{Provider: e.Provider.Name(), Account: account}}})
		}
	}
	slices.SortFunc(all, func(a, b credential) int { return cmp.Compare(a.row.Account, b.row.Account) })
	return all, nil
}
