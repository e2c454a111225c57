package sweep

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/store"
)

// Ledger is the part of a store.Ledger that a sweep needs: an account's row has its pause and
// history, and each shard's claim names the run that sweeps it.
type Ledger interface {
	store.ShardClaims
	Write(ctx context.Context, row store.Row, guard store.Guard) error // as in store.Ledger
}

// Secrets is the part of a store.Secrets that a sweep needs: it reads credentials.
type Secrets interface {
	Current(ctx context.Context, key store.Key, doc store.Document) (store.Version, error) // as in store.Secrets
}

// ledgerRead is the ledger as read when a run begins.
type ledgerRead struct {
	rows   []store.Row
	claims []store.ShardClaim
	err    error
}

// Engine keeps the transactions of one provider fresh. It is safe for concurrent
// use, in one process and in many.
type Engine struct {
	Provider     providers.Provider
	Secrets      Secrets
	Ledger       Ledger
	Transactions store.Transactions
	// Queue takes what is due beyond HandOverAbove; nil: one run does it all.
	Queue Queue

	// Accounts are swept besides those that have a row in the ledger.
	Accounts []string
	// Now is the clock of everything that is stored.
	Now func() time.Time
	// SendTimeout is the longest that one provider call takes.
	SendTimeout time.Duration
	// StoreTimeout is the budget to store a row, and to end a sweep.
	StoreTimeout time.Duration
	// RunTimeout bounds a run whose context has no deadline.
	RunTimeout time.Duration
	// Workers is how many rows a run refreshes at once, over all accounts.
	Workers int
	// HandOverAbove is how many due rows of an account a sweep keeps for itself, the
	// longest due first, if there is a Queue for the rest.
	HandOverAbove int
	// Tick is the time from one scheduled run to the next, for Account.AttemptsLeft alone.
	Tick time.Duration
	// KeepFor is how long a transaction is kept fresh after its record, if the record
	// names no end. A refresh doesn't prolong it; a new record does.
	KeepFor time.Duration
	Log     *slog.Logger
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
	e.StoreTimeout = cmp.Or(e.StoreTimeout, 5*time.Second)
	e.RunTimeout = cmp.Or(e.RunTimeout, time.Minute)
	e.Workers = cmp.Or(e.Workers, 32)
	// With that many workers it takes 19 s if a call takes 300 ms.
	e.HandOverAbove = cmp.Or(e.HandOverAbove, 2000)
	e.Tick = cmp.Or(e.Tick, time.Minute)
	// A verification takes minutes to days; a forgotten one must not cost calls for ever.
	e.KeepFor = cmp.Or(e.KeepFor, 30*24*time.Hour)
	return &e
}

// Run refreshes the due transactions of every account, of the account that req names, or
// the transactions that req names. Trouble with one account or row never ends the others.
//
// If nothing is due it costs one query for each shard and one of the ledger, all at once.
func (e *Engine) Run(ctx context.Context, req Request) Report {
	began := e.Now()
	ctx, cancel := pace.Bounded(ctx, e.RunTimeout)
	defer cancel()
	var wg sync.WaitGroup
	var read ledgerRead
	done := make(chan struct{})
	wg.Go(func() {
		defer close(done)
		read.rows, read.claims, read.err = e.Ledger.RowsAndShardClaims(ctx, e.Provider.Name())
	})
	ledger := func() ledgerRead { <-done; return read }

	pool := newPool(max(1, e.Workers))
	defer pool.close()
	var sweeps []*sweep
	start := func(account string) {
		s := &sweep{Engine: e, req: req, account: account, ledger: ledger, pool: pool, began: began}
		s.fewest, s.causes, s.report.Outcomes = pace.MaxAttempts, map[outcome.Outcome]error{}, map[outcome.Outcome]int{}
		sweeps = append(sweeps, s)
		wg.Go(func() { s.run(ctx) })
	}

	switch {
	case req.TransactionID != 0 || req.Account != "":
		start(req.Account)
	case len(req.TransactionIDs) > 0:
		start(e.defaultAccount())
	default:
		for _, account := range e.Accounts {
			start(account)
		}
		for _, row := range ledger().rows { // its error is reported by each account that was started
			if !slices.Contains(e.Accounts, row.Account) {
				start(row.Account)
			}
		}
	}
	wg.Wait()
	report := newReport(sweeps)
	if read.err != nil {
		report.Err = withoutLedger(read.err)
	}
	return report
}
