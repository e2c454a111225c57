package refresh

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/store"
)

// Engine refreshes the credentials of one provider. It is safe for concurrent
// use, in one process and in many.
type Engine struct {
	Provider providers.Provider
	Secrets  store.Secrets
	Ledger   store.Ledger

	// Accounts are kept fresh besides those that have a row in the ledger.
	Accounts []string
	// NewID makes attempt ids: random UUIDs, because they become version ids.
	NewID func() string
	// Now is the clock of everything that is stored.
	Now func() time.Time
	// SendTimeout is the longest that one provider call takes.
	SendTimeout time.Duration
	// StoreTimeout is the budget to keep, promote and settle a reply.
	StoreTimeout time.Duration
	// RunTimeout bounds a run whose context has no deadline.
	RunTimeout time.Duration
	// Parallel is how many credentials are worked on at once: the slots of a run.
	Parallel int
	// WriteRate is the first limit of writes a second to the secrets, for a run over several
	// credentials. A throttled write lowers it, time raises it. 0: no limit until one is throttled.
	WriteRate float64
	// Tick is the time from one scheduled run to the next, by which back-offs and
	// Result.AttemptsLeft count.
	Tick time.Duration
	Log  *slog.Logger
}

// ErrLedger means that the ledger could not be read, so nothing was done.
var ErrLedger = errors.New("read the ledger")

// withoutLedger is the result if the ledger cannot be read: without it nothing is refreshed,
// because other runs cannot be seen.
func (e *Engine) withoutLedger(req Request, err error) []Result {
	accounts := e.Accounts
	if req.Account != "" {
		accounts = []string{req.Account}
	}
	results := make([]Result, 0, len(accounts))
	for _, account := range accounts {
		results = append(results, Result{
			Account: account, Outcome: outcomeOf(err), Err: fmt.Errorf("%w: %w", ErrLedger, err),
		})
	}
	return results
}

// one does work on one credential and contains its panic.
func (e *Engine) one(ctx context.Context, req Request, k credential, work func(*visit, context.Context) Result) (result Result) {
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
	a := &visit{Engine: e, req: req, v: View{
		Row: k.row, Exists: k.exists, Now: e.Now(), fence: k.row.Fence,
		Force: req.Force, asksNobody: req.DryRun, waiting: req.waiting, probe: req.probe, rejected: req.Rejected,
		needed: e.needed(), tick: e.Tick, send: e.SendTimeout, attempt: e.longestAttempt() + e.claimMargin(), longest: e.longestClaim(),
		name: func(doc store.Document) string { return store.NameOf(e.Secrets, k.row.Key, doc) },
	}}
	result = work(a, ctx)
	r := a.v.Row
	result.Account = r.Account
	result.Reason = strings.Join(a.reasons, "; ")
	if k.row.Unreadable != nil {
		return result
	}
	result.AttemptID = cmp.Or(result.AttemptID, r.AttemptID)
	result.VersionID = cmp.Or(result.VersionID, r.VersionID)
	result.AccessExpiresAt = cmp.Or(result.AccessExpiresAt, r.AccessExpiresAt)
	result.RefreshExpiresAt = r.RefreshExpiresAt
	result.ProviderLatency, result.ClockSkew, result.ClockRead = a.latency, a.skew, a.clockRead
	result.Known = true
	result.AttemptsLeft = a.attemptsLeft(req.began, result.Outcome)
	result.Failures = r.ConsecutiveFailures
	result.Versions = r.Staged.Since(e.Now().Add(-day))
	result.Trouble, result.Told = trouble(r), r.Told
	result.Before, result.Noted = k.row.LastOutcome, r.LastOutcome
	result.Warnings = append(result.Warnings, a.warnings...)
	return result
}

// Parallel is the usual number of slots. A provider call that hangs holds a slot for 10 s, and a
// login after it for 10 more. With 32 slots a run with 40 hanging accounts still has the time for
// 500 others. A slot costs some 100 KB.
const Parallel = 32

// usualSend is how long a provider call takes at most by default.
const usualSend = 10 * time.Second

// WithDefaults fills in what is zero and harmless to leave out.
func (e Engine) WithDefaults() *Engine {
	if e.Now == nil {
		e.Now = time.Now
	}
	if e.Log == nil {
		e.Log = slog.New(slog.DiscardHandler)
	}
	e.SendTimeout = cmp.Or(e.SendTimeout, usualSend)
	e.StoreTimeout = cmp.Or(e.StoreTimeout, 10*time.Second)
	e.RunTimeout = cmp.Or(e.RunTimeout, time.Minute)
	e.Parallel = cmp.Or(e.Parallel, Parallel)
	e.Tick = cmp.Or(e.Tick, time.Minute)
	return &e
}
