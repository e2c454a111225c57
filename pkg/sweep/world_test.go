package sweep_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
	"tokenrefresh/pkg/sweep"
)

// Port calls, as hooks and counts name them.
const (
	opDue    = "Due"
	opGet    = "Get"
	opMany   = "GetMany"
	opUpdate = "Update"
	opPut    = "Put"
	opDead   = "Dead"
	opRows   = "Rows"
	opWrite  = "Write"
	opSecret = "Current"
	opSend   = "Refresh"
)

const (
	provider = "model"
	account  = "default"
	lifetime = time.Hour
)

var errPassing = errors.New("model: passing trouble")

// world models the four ports, in memory. The fields in capital letters are a test's
// switches, set before a run.
type world struct {
	// Before is called before each call, with what it is about: its error is the call's, which then
	// does nothing. After is called afterwards.
	Before, After func(op, about string) error
	// Latency is how long calls take.
	Latency map[string]time.Duration
	// Unreadable are the errors of rows that GetMany can't read, by id.
	Unreadable map[int64]error
	// Reply answers for the provider; nil: it accepts every refresh token.
	Reply func(token string) (providers.Tokens, error)
	// Workers and Accounts are the engine's; 0 workers: its own number.
	Workers  int
	Accounts []string

	mu       sync.Mutex
	rows     map[int64]store.Transaction
	ledger   map[store.Key]store.Row
	claims   map[store.Key]store.ShardClaim
	secrets  map[string]store.Version // by account
	calls    map[string]int
	sent     []string // refresh tokens in the order in which they came
	inFlight int
	most     int // calls of the provider at once
}

func newWorld() *world {
	return &world{
		Accounts: []string{account},

		Latency: map[string]time.Duration{},
		rows:    map[int64]store.Transaction{},
		ledger:  map[store.Key]store.Row{},
		claims:  map[store.Key]store.ShardClaim{},
		secrets: map[string]store.Version{account: {ID: "v1", Value: secret.New("good")}},
		calls:   map[string]int{},
	}
}

// inWorld runs a test in a world of its own, with a clock of its own.
func inWorld(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newWorld()) })
}

// inOwnWorld is inWorld as a parallel subtest.
func inOwnWorld(t *testing.T, name string, test func(t *testing.T, w *world)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		inWorld(t, test)
	})
}

func (w *world) engine() *sweep.Engine {
	return sweep.Engine{
		Provider: model{w}, Secrets: model{w}, Ledger: model{w}, Transactions: model{w}, Accounts: w.Accounts, Workers: w.Workers,
	}.WithDefaults()
}

func (w *world) run(t *testing.T, req sweep.Request) sweep.Report {
	t.Helper()
	return run(t, w.engine(), req)
}

func run(t *testing.T, e *sweep.Engine, req sweep.Request) sweep.Report {
	t.Helper()
	req.RunID = cmp.Or(req.RunID, "run")
	return e.Run(t.Context(), req)
}

// runFor is run with so much time.
func (w *world) runFor(t *testing.T, d time.Duration, req sweep.Request) sweep.Report {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	req.RunID = "run"
	return w.engine().Run(ctx, req)
}

// ticks runs n times, with a minute after each.
func (w *world) ticks(t *testing.T, n int) {
	t.Helper()
	for range n {
		w.run(t, sweep.Request{})
		time.Sleep(time.Minute)
	}
}

// add stores a row that is due, after change.
func (w *world) add(id int64, change ...func(*store.Transaction)) store.Transaction {
	now := stored(time.Now())
	row := store.Transaction{
		ID: id, Account: account, RefreshToken: secret.New(fmt.Sprint("rt-", id)), AccessToken: secret.New("old"),
		AccessExpiresAt: now.Add(10 * time.Minute), Status: store.StatusActive, RecordedAt: now.Add(-time.Hour),
		RefreshAt: now.Add(-time.Minute), ExpiresAt: now.Add(24 * time.Hour),
	}
	for _, c := range change {
		if c != nil {
			c(&row)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rows[id] = row
	return row
}

// addMany stores rows 1 to n like add.
func (w *world) addMany(n int64, change ...func(*store.Transaction)) {
	for id := range n {
		w.add(id+1, change...)
	}
}

func (w *world) row(id int64) store.Transaction {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rows[id]
}

func (w *world) ledgerRow(account string) store.Row {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ledger[store.Key{Provider: provider, Account: account}]
}

func (w *world) setLedger(account string, row store.Row) {
	w.mu.Lock()
	defer w.mu.Unlock()
	row.Key = store.Key{Provider: provider, Account: account}
	w.ledger[row.Key] = row
}

// claim is the claim of the shard of row id.
func (w *world) claim(id int64) store.ShardClaim {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.claims[claimKey(id)]
}

func (w *world) setClaim(id int64, claim store.ShardClaim) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.claims[claimKey(id)] = ofShard(id, claim)
}

func claimKey(id int64) store.Key {
	return store.ShardKey(store.Key{Provider: provider, Account: account}, store.ShardOf(id))
}

// ofShard is claim for the shard of row id.
func ofShard(id int64, claim store.ShardClaim) store.ShardClaim {
	claim.Account, claim.Shard = store.Key{Provider: provider, Account: account}, store.ShardOf(id)
	return claim
}

func (w *world) setSecret(id, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.secrets[account] = store.Version{ID: id, Value: secret.New(text)}
}

// counted returns the calls since its last call.
func (w *world) counted() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	calls := w.calls
	w.calls = map[string]int{}
	return calls
}

// sentNow returns the refresh tokens since its last call.
func (w *world) sentNow() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	sent := w.sent
	w.sent = nil
	return sent
}

// fresh counts the rows from 1 to n that have an access token and no failure.
func (w *world) fresh(n int) (count int) {
	for id := range int64(n) {
		if row := w.row(id + 1); row.AccessExpiresAt.After(time.Now()) && row.Failures == 0 {
			count++
		}
	}
	return count
}

// idOf is the row of a refresh token.
func idOf(token string) (id int) {
	_, _ = fmt.Sscanf(token, "rt-%d", &id)
	return id
}

// stored is a time as the rows keep it.
func stored(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Second)
}

// call makes a port call under the hooks.
func (w *world) call(ctx context.Context, op, about string, act func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w.mu.Lock()
	w.calls[op]++
	w.mu.Unlock()
	if d := w.Latency[op]; d > 0 {
		select {
		case <-time.After(d):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if w.Before != nil {
		if err := w.Before(op, about); err != nil {
			return err
		}
	}
	w.mu.Lock()
	err := act()
	w.mu.Unlock()
	if err == nil && w.After != nil {
		err = w.After(op, about)
	}
	return err
}

// failing is a hook that fails calls of op.
func failing(op string, err error) func(string, string) error {
	return func(called, _ string) error {
		if called == op {
			return err
		}
		return nil
	}
}

// fail is a provider's error.
func fail(kind providers.Kind) *providers.Error {
	return &providers.Error{Kind: kind, Provider: provider, Op: "refresh"}
}

// always answers every call with an error of a kind.
func always(kind providers.Kind) func(string) (providers.Tokens, error) {
	return func(string) (providers.Tokens, error) { return providers.Tokens{}, fail(kind) }
}

// fresh is a good reply.
func fresh() providers.Tokens {
	now := time.Now()
	return providers.Tokens{
		AccessToken: secret.New("new"), ClientToken: secret.New("client"), IssuedAt: now, AccessExpiresAt: now.Add(lifetime),
	}
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// between wants a value from least to most.
func between[T cmp.Ordered](t *testing.T, what string, got, least, most T) {
	t.Helper()
	assert.Check(t, got >= least && got <= most, "%s: %v, want %v to %v", what, got, least, most)
}

// wantWarning wants these words among the warnings.
func wantWarning(t *testing.T, r sweep.Report, says string) {
	t.Helper()
	assert.Check(t, is.Contains(strings.Join(r.Accounts[0].Warnings, "\n"), says))
}

// wantOutcomes wants exactly these, as pairs of an outcome and a number.
func wantOutcomes(t *testing.T, got sweep.Report, want map[outcome.Outcome]int) {
	t.Helper()
	equal(t, "outcomes", got.Outcomes, want)
	sum := map[outcome.Outcome]int{}
	for _, a := range got.Accounts {
		for what, n := range a.Outcomes {
			sum[what] += n
		}
	}
	assert.Check(t, maps.Equal(sum, got.Outcomes), "the accounts count %v, all together %v", sum, got.Outcomes)
}

// one is the count of a single row.
func one(what outcome.Outcome) map[outcome.Outcome]int { return map[outcome.Outcome]int{what: 1} }

// needed are the outcomes that the report lists for people.
func needed(r sweep.Report) []outcome.Outcome {
	var all []outcome.Outcome
	for _, c := range r.Credentials {
		all = append(all, c.Outcome)
	}
	return all
}

// wantNobody wants no person to be needed.
func wantNobody(t *testing.T, r sweep.Report) {
	t.Helper()
	assert.Check(t, len(r.Credentials) <= 0, "listed: %v", r.Credentials)
}
