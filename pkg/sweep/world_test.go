package sweep_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

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
	// Before is asked before each call, with what it is about: an error is the
	// call's, which then does nothing. After is asked once it is done.
	Before, After func(op, about string) error
	// Latency is how long calls take.
	Latency map[string]time.Duration
	// Unreadable are the errors of rows that GetMany can't read, by id.
	Unreadable map[int64]error
	// Reply answers for the provider; nil: it accepts every refresh token.
	Reply func(token string) (providers.Tokens, error)

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

func (w *world) engine() *sweep.Engine {
	return sweep.Engine{
		Provider: model{w}, Secrets: model{w}, Ledger: model{w}, Transactions: model{w}, Accounts: []string{account},
	}.WithDefaults()
}

func (w *world) run(t *testing.T, req sweep.Request) sweep.Report {
	t.Helper()
	req.RunID = cmp.Or(req.RunID, "run")
	return w.engine().Run(t.Context(), req)
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
		c(&row)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rows[id] = row
	return row
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

// counted returns the calls since it was asked last.
func (w *world) counted() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	calls := w.calls
	w.calls = map[string]int{}
	return calls
}

// sentNow returns the refresh tokens that came since it was asked last.
func (w *world) sentNow() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	sent := w.sent
	w.sent = nil
	return sent
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

// model is the world seen through the ports.
type model struct{ *world }

var (
	_ store.Transactions     = model{}
	_ store.DeadTransactions = model{}
	_ sweep.Ledger           = model{}
	_ sweep.Secrets          = model{}
	_ providers.Provider     = model{}
)

func (m model) Due(ctx context.Context, account string, shard, limit int, now time.Time) ([]store.Due, error) {
	var due []store.Due
	err := m.call(ctx, opDue, account, func() error {
		for id, row := range m.rows {
			expired := !row.ExpiresAt.IsZero() && !now.Before(row.ExpiresAt)
			if row.Account == account && store.ShardOf(id) == shard && row.Status == store.StatusActive && !row.RefreshAt.IsZero() && !expired {
				due = append(due, store.Due{
					ID: id, RefreshAt: row.RefreshAt, AccessExpiresAt: row.AccessExpiresAt, Failures: row.Failures,
				})
			}
		}
		return nil
	})
	slices.SortFunc(due, func(a, b store.Due) int { return a.RefreshAt.Compare(b.RefreshAt) })
	return due[:min(limit, len(due))], err
}

func (m model) Get(ctx context.Context, id int64) (row store.Transaction, found bool, err error) {
	err = m.call(ctx, opGet, fmt.Sprint(id), func() error {
		row, found = m.rows[id]
		return nil
	})
	return row, found, err
}

func (m model) GetMany(ctx context.Context, ids []int64) (map[int64]store.Read, error) {
	rows := make(map[int64]store.Read, len(ids))
	err := m.call(ctx, opMany, fmt.Sprint(ids), func() error {
		for _, id := range ids {
			row, found := m.rows[id]
			rows[id] = store.Read{Transaction: row, Found: found, Err: m.Unreadable[id]}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return rows, nil
}

func (m model) Update(ctx context.Context, t store.Transaction, presented secret.String) error {
	return m.call(ctx, opUpdate, fmt.Sprint(t.ID), func() error {
		row, found := m.rows[t.ID]
		if !found || row.RefreshToken != presented {
			return store.ErrChanged
		}
		row.RefreshToken, row.AccessToken, row.ClientToken = t.RefreshToken, t.AccessToken, t.ClientToken
		row.AccessExpiresAt, row.RefreshAt = stored(t.AccessExpiresAt), stored(t.RefreshAt)
		row.Status, row.Failures = t.Status, t.Failures
		row.Refusals, row.RefusedAt = t.Refusals, stored(t.RefusedAt)
		m.rows[t.ID] = row
		return nil
	})
}

func (m model) Put(ctx context.Context, t store.Transaction, now time.Time) (recorded bool, err error) {
	for _, at := range []*time.Time{&t.AccessExpiresAt, &t.RecordedAt, &t.RefreshAt, &t.ExpiresAt, &t.RefusedAt} {
		*at = stored(*at)
	}
	err = m.call(ctx, opPut, fmt.Sprint(t.ID), func() error {
		if at := m.rows[t.ID].RecordedAt; at.After(t.RecordedAt) && !at.After(now.Add(store.MaxAhead)) {
			return nil
		}
		m.rows[t.ID], recorded = t, true
		return nil
	})
	return recorded && err == nil, err
}

func (m model) Dead(
	ctx context.Context, account string, shard int, span store.Span, now time.Time,
) iter.Seq2[store.DeadEntry, error] {
	return m.dead(ctx, account, now, func(row store.Transaction) bool {
		return store.ShardOf(row.ID) == shard && !row.RefusedAt.IsZero() && span.Contains(row.RefusedAt)
	})
}

func (m model) DeadUndated(ctx context.Context, account string, now time.Time) iter.Seq2[store.DeadEntry, error] {
	return m.dead(ctx, account, now, func(row store.Transaction) bool { return row.RefusedAt.IsZero() })
}

// dead yields the dead rows of an account that satisfy which, the latest first.
func (m model) dead(
	ctx context.Context, account string, now time.Time, which func(store.Transaction) bool,
) iter.Seq2[store.DeadEntry, error] {
	return func(yield func(store.DeadEntry, error) bool) {
		var found []store.DeadEntry
		err := m.call(ctx, opDead, account, func() error {
			for _, row := range m.rows {
				expired := !row.ExpiresAt.IsZero() && !now.Before(row.ExpiresAt)
				if row.Account == account && row.Status == store.StatusDead && !expired && which(row) {
					found = append(found, store.DeadEntry{ID: row.ID, MarkedAt: row.RefusedAt})
				}
			}
			return nil
		})
		if err != nil {
			yield(store.DeadEntry{}, err)
			return
		}
		slices.SortFunc(found, func(a, b store.DeadEntry) int { return b.MarkedAt.Compare(a.MarkedAt) })
		for _, one := range found {
			if !yield(one, nil) {
				return
			}
		}
	}
}

func (m model) RowsAndShardClaims(ctx context.Context, provider string) ([]store.Row, []store.ShardClaim, error) {
	var rows []store.Row
	var claims []store.ShardClaim
	err := m.call(ctx, opRows, provider, func() error {
		for key, row := range m.ledger {
			if key.Provider == provider {
				rows = append(rows, row)
			}
		}
		for key, claim := range m.claims {
			if key.Provider == provider {
				claims = append(claims, claim)
			}
		}
		return nil
	})
	slices.SortFunc(rows, func(a, b store.Row) int { return cmp.Compare(a.Account, b.Account) })
	return rows, claims, err
}

func (m model) Rows(ctx context.Context, provider string) ([]store.Row, error) {
	rows, _, err := m.RowsAndShardClaims(ctx, provider)
	return rows, err
}

func (m model) WriteShardClaim(ctx context.Context, claim store.ShardClaim) error {
	claim.Until = claim.Until.UTC().Truncate(time.Millisecond)
	key := store.ShardKey(claim.Account, claim.Shard)
	return m.call(ctx, opWrite, key.Account, func() error {
		if current := m.claims[key]; current.Fence != claim.Fence-1 {
			return &store.ShardClaimLostError{Current: current}
		}
		m.claims[key] = claim
		return nil
	})
}

func (m model) Row(ctx context.Context, key store.Key) (row store.Row, found bool, err error) {
	err = m.call(ctx, "Row", key.Account, func() error {
		row, found = m.ledger[key]
		return nil
	})
	return row, found, err
}

func (m model) Write(ctx context.Context, row store.Row, guard store.Guard) error {
	for _, at := range []*time.Time{
		&row.ClaimedUntil, &row.Escrow.Sent, &row.RefreshAt, &row.NotBefore,
		&row.AccessExpiresAt, &row.RefreshExpiresAt, &row.LastSuccessAt,
	} {
		*at = at.UTC().Truncate(time.Millisecond)
	}
	return m.call(ctx, opWrite, row.Account, func() error {
		current, exists := m.ledger[row.Key]
		holds := exists && !guard.Absent && guard.Fence == current.Fence &&
			(guard.Phase == "" || guard.Phase == current.Phase) && (guard.AttemptID == "" || guard.AttemptID == current.AttemptID) &&
			(!guard.SameEscrow || guard.EscrowOf == current.Escrow.AttemptID)
		if !holds && (exists || !guard.Absent) {
			return &store.LostError{Current: current, Exists: exists}
		}
		row.Paused, row.Told = current.Paused, current.Told
		m.ledger[row.Key] = row
		return nil
	})
}

func (m model) SetPaused(ctx context.Context, key store.Key, paused bool) error {
	return m.call(ctx, "SetPaused", key.Account, func() error {
		row, exists := m.ledger[key]
		if !exists {
			row = store.Row{Key: key, Phase: store.Idle}
		}
		row.Paused = paused
		m.ledger[key] = row
		return nil
	})
}

func (m model) SetTold(ctx context.Context, key store.Key, told string) error {
	return m.call(ctx, "SetTold", key.Account, func() error {
		if row, exists := m.ledger[key]; exists {
			row.Told = told
			m.ledger[key] = row
		}
		return nil
	})
}

func (m model) Current(ctx context.Context, key store.Key, doc store.Document) (v store.Version, err error) {
	err = m.call(ctx, opSecret, key.String()+"/"+string(doc), func() error {
		var found bool
		if v, found = m.secrets[key.Account]; !found {
			return store.ErrNoSecret
		}
		return nil
	})
	return v, err
}

func (model) Name() string { return provider }

// Open takes "good" and "bad" for credentials and finds out nothing more: whether
// they are right only a call shows.
func (m model) Open(credentials secret.String) (providers.Session, error) {
	switch credentials.Reveal() {
	case "good", "bad":
		return session{m.world, credentials.Reveal()}, nil
	case "placeholder":
		return nil, providers.ErrNotSeeded
	}
	return nil, fail(providers.Misconfigured)
}

type session struct {
	*world
	credentials string
}

func (session) CanLogin() bool { return false }

func (session) Login(context.Context) (providers.Tokens, error) {
	return providers.Tokens{}, providers.ErrNoLogin
}

func (session) Decode(secret.String, time.Time) (providers.Tokens, error) {
	return providers.Tokens{}, fail(providers.Unknown)
}

func (s session) Refresh(ctx context.Context, token secret.String) (providers.Tokens, error) {
	s.mu.Lock()
	s.sent = append(s.sent, token.Reveal())
	s.inFlight++
	s.most = max(s.most, s.inFlight)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.inFlight--
	}()
	err := s.call(ctx, opSend, token.Reveal(), func() error { return nil })
	switch {
	case err != nil:
		return providers.Tokens{}, fail(providers.Unknown)
	case s.credentials == "bad":
		return providers.Tokens{}, fail(providers.Misconfigured)
	case s.Reply == nil:
		return fresh(), nil
	}
	return s.Reply(token.Reveal())
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
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
	if !maps.Equal(sum, got.Outcomes) {
		t.Errorf("the accounts count %v, all together %v", sum, got.Outcomes)
	}
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
	if len(r.Credentials) > 0 {
		t.Errorf("listed: %v", r.Credentials)
	}
}
