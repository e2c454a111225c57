package refresh

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/store"
)

// Engine refreshes the credentials of one provider. It is safe for concurrent
// use, in one process and in many.
type Engine struct {
	Provider providers.Provider
	Secrets  store.Secrets
	Ledger   store.Ledger

	// Accounts are looked after besides those that have a row in the ledger.
	Accounts []string
	// NewID makes attempt ids: random UUIDs, for they become version ids.
	NewID func() string
	// Now is the clock of everything that is stored.
	Now func() time.Time
	// SendTimeout is the longest that one provider call takes.
	SendTimeout time.Duration
	// StoreTimeout is the budget to keep, promote and settle a reply.
	StoreTimeout time.Duration
	// RunTimeout bounds a run whose context has no deadline.
	RunTimeout time.Duration
	// Parallel is how many credentials are worked on at once.
	Parallel int
	// Tick is the time from one scheduled run to the next, by which back-offs and
	// Result.AttemptsLeft count.
	Tick time.Duration
	Log  *slog.Logger
}

// Run looks at every credential once, or at the one that req names, and does what
// is due. It never returns early: one credential's trouble is no other's.
func (e *Engine) Run(ctx context.Context, req Request) []Result {
	ctx, cancel := pace.Bounded(ctx, e.RunTimeout)
	defer cancel()
	req.began = e.Now()
	rows, err := e.rows(ctx, req.Account)
	if err != nil {
		return e.withoutLedger(req, err)
	}
	results := make([]Result, len(rows))
	if len(rows) == 1 {
		results[0] = e.one(ctx, req, rows[0], (*attempt).run)
		return results
	}
	for _, k := range rows {
		if awaitsEdit(k.row, req.began) {
			req.waiting++
		}
	}
	w := newWaves(rows, req.began)
	wave := func(accounts []int) {
		var wg sync.WaitGroup
		slots := make(chan struct{}, max(1, e.Parallel))
		for _, i := range accounts {
			slots <- struct{}{}
			req := req
			req.probe = w.probe(i, rows[i].row)
			wg.Go(func() {
				defer func() { <-slots }()
				results[i] = e.one(ctx, req, rows[i], (*attempt).run)
			})
		}
		wg.Wait()
	}
	wave(w.first)
	for _, i := range w.first {
		w.note(rows[i].row, results[i])
	}
	wave(w.second)
	return results
}

// found is a credential and its row, if it has one.
type found struct {
	row    store.Row
	exists bool
}

// rows lists the credentials to look at, in order of account.
func (e *Engine) rows(ctx context.Context, account string) ([]found, error) {
	if account != "" {
		key := store.Key{Provider: e.Provider.Name(), Account: account}
		row, exists, err := e.Ledger.Row(ctx, key)
		if err != nil {
			return nil, err
		}
		row.Key = key
		return []found{{row, exists}}, nil
	}
	stored, err := e.Ledger.Rows(ctx, e.Provider.Name())
	if err != nil {
		return nil, err
	}
	all := make([]found, 0, len(stored)+len(e.Accounts))
	for _, r := range stored {
		all = append(all, found{r, true})
	}
	for _, account := range e.Accounts {
		if !slices.ContainsFunc(all, func(k found) bool { return k.row.Account == account }) {
			all = append(all, found{row: store.Row{Key: store.Key{Provider: e.Provider.Name(), Account: account}}})
		}
	}
	slices.SortFunc(all, func(a, b found) int { return cmp.Compare(a.row.Account, b.row.Account) })
	return all, nil
}

// ErrLedger is why nothing was looked at.
var ErrLedger = errors.New("read the ledger")

// withoutLedger is the answer where the ledger cannot be read: without it nothing
// is refreshed, for nobody could say what another run is doing.
func (e *Engine) withoutLedger(req Request, err error) []Result {
	what := outcome.Transient
	if errors.Is(err, store.ErrForbidden) {
		what = outcome.Misconfigured
	}
	accounts := e.Accounts
	if req.Account != "" {
		accounts = []string{req.Account}
	}
	results := make([]Result, 0, len(accounts))
	for _, account := range accounts {
		results = append(results, Result{
			Account: account, Outcome: what, Err: fmt.Errorf("%w: %w", ErrLedger, err),
		})
	}
	return results
}

// one does work on one credential and contains its panic.
func (e *Engine) one(ctx context.Context, req Request, k found, work func(*attempt, context.Context) Result) (result Result) {
	defer func() {
		if p := recover(); p != nil {
			// The panic's value may hold anything; its type and the stack may be shown.
			stack := debug.Stack()
			if elsewhere, ok := p.(panicked); ok {
				p, stack = elsewhere.value, elsewhere.stack
			}
			e.Log.ErrorContext(ctx, "panic", "account", k.row.Account, "type", fmt.Sprintf("%T", p), "stack", string(stack))
			result = Result{Account: k.row.Account, Outcome: outcome.Transient, Err: outcome.ErrPanic, Panicked: true}
		}
	}()
	a := &attempt{Engine: e, req: req, v: e.sources().NewView(k.row, k.exists, e.Now())}
	a.v.Force, a.v.needed, a.v.tick = req.Force, e.needed(), e.Tick
	a.v.longest, a.v.waiting, a.v.probe, a.v.rejected = e.longestClaim(), req.waiting, req.probe, req.Rejected
	result = work(a, ctx)
	result.Account = a.v.Row.Account
	result.Reason = strings.Join(a.reasons, "; ")
	if k.row.Unreadable != nil {
		return result
	}
	if result.AttemptID == "" {
		result.AttemptID = a.v.Row.AttemptID
	}
	if result.VersionID == "" {
		result.VersionID = a.v.Row.VersionID
	}
	if result.AccessExpiresAt.IsZero() {
		result.AccessExpiresAt = a.v.Row.AccessExpiresAt
	}
	result.RefreshExpiresAt = a.v.Row.RefreshExpiresAt
	result.ProviderLatency, result.ClockSkew, result.ClockRead = a.latency, a.skew, a.clockRead
	result.Known = true
	result.AttemptsLeft = a.attemptsLeft(req.began, result.Outcome)
	result.Failures = a.v.Row.ConsecutiveFailures
	result.Versions = len(stagedSince(a.v.Row, e.Now().Add(-day)))
	result.Trouble, result.Told = trouble(a.v.Row), a.v.Row.Told
	result.Before, result.Noted = k.row.LastOutcome, a.v.Row.LastOutcome
	result.Warnings = append(result.Warnings, a.warnings...)
	return result
}

// WithDefaults fills in what is zero and harmless to leave out.
func (e Engine) WithDefaults() *Engine {
	if e.Now == nil {
		e.Now = time.Now
	}
	if e.Log == nil {
		e.Log = slog.New(slog.DiscardHandler)
	}
	e.SendTimeout = cmp.Or(e.SendTimeout, 10*time.Second)
	e.StoreTimeout = cmp.Or(e.StoreTimeout, 10*time.Second)
	e.RunTimeout = cmp.Or(e.RunTimeout, time.Minute)
	e.Parallel = cmp.Or(e.Parallel, 8)
	e.Tick = cmp.Or(e.Tick, time.Minute)
	return &e
}
