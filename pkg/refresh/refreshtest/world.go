package refreshtest

import (
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"tokenrefresh/pkg/refresh"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// World is everything that outlives a process. Set its fields before the first engine starts; the
// methods may be called at any time.
type World struct {
	Secrets  *Secrets
	Ledger   *Ledger
	Provider *Provider
	// Accounts are the engine's.
	Accounts []string
	// Latency is how long a call takes, on the clock of package time; nil: no time.
	// With a latency of its own for each site, parallel calls end in a known order.
	Latency func(Call) time.Duration
	// Flows: the world's clock runs with that of package time; otherwise it stands still.
	Flows bool

	mu         sync.Mutex
	now        time.Time
	born       time.Time
	ids        int
	processes  int
	pending    []func()
	trace      []Call
	deeds      []Deed
	violations []string
	claimant   map[store.Key]int // the process that claimed last
	skewed     bool              // a clock was off
	decided    bool              // see Decide
	edges      map[Edge]bool
}

// New makes a world with the secrets of account "default": credentials that can
// log in, tokens and access without a value.
func New() *World {
	w := &World{
		Accounts: []string{Default.Account},
		now:      time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), born: time.Now(),
		claimant: map[store.Key]int{}, edges: map[Edge]bool{},
	}
	w.Secrets = &Secrets{world: w, docs: map[place]*document{}}
	w.Ledger = &Ledger{world: w, rows: map[store.Key]store.Row{}, past: map[store.Key][]store.Row{}}
	w.Provider = newProvider(w)
	w.Add(Default)
	return w
}

// Default is the credential of a new World.
var Default = store.Key{Provider: Name, Account: "default"}

// Decide lets a person replace the current version of tokens: promises about it no longer hold.
func (w *World) Decide() {
	defer w.lock()()
	w.decided = true
}

// Add makes the secrets of one more credential.
func (w *World) Add(key store.Key) {
	for _, doc := range []store.Document{store.Credentials, store.TokensDoc, store.AccessDoc} {
		w.Secrets.Create(key, doc)
	}
	w.Secrets.Put(key, store.Credentials, w.Provider.Credentials())
}

// Seed logs in at the provider, as a person would, and puts the refresh token
// alone into the tokens secret.
func (w *World) Seed(key store.Key) {
	w.Secrets.Put(key, store.TokensDoc, secret.New(fmt.Sprintf(`{"refresh_token":%q}`, w.Provider.NewFamily())))
}

// Engine starts a process.
func (w *World) Engine(hook Hook) *refresh.Engine { return w.SkewedEngine(hook, 0) }

// SkewedEngine starts a process whose clock is off by skew.
func (w *World) SkewedEngine(hook Hook, skew time.Duration) *refresh.Engine {
	w.mu.Lock()
	w.processes++
	w.skewed = w.skewed || skew != 0
	p := &process{world: w, hook: hook, skew: skew, number: w.processes, count: map[Site]int{}}
	w.mu.Unlock()
	return refresh.Engine{
		Provider: providerPort{p}, Secrets: secretsPort{p}, Ledger: ledgerPort{p},
		Accounts: w.Accounts, NewID: w.newID, Now: p.now, Log: slog.New(edgeLog{w}),
	}.WithDefaults()
}

// lock locks the world, and returns what unlocks it.
func (w *World) lock() (unlock func()) {
	w.mu.Lock()
	return w.mu.Unlock
}

// Now is the world's clock.
func (w *World) Now() time.Time {
	defer w.lock()()
	return w.clock()
}

func (w *World) clock() time.Time {
	if w.Flows {
		return w.now.Add(time.Since(w.born))
	}
	return w.now
}

// Advance moves the clock on.
func (w *World) Advance(d time.Duration) {
	defer w.lock()()
	w.now = w.now.Add(d)
}

// Land does the work of calls that land later, in the order of the calls.
func (w *World) Land() {
	w.mu.Lock()
	pending := w.pending
	w.pending = nil
	w.mu.Unlock()
	for _, act := range pending {
		act()
	}
}

// Trace returns the calls since its last call, in the order of their beginning.
func (w *World) Trace() []Call {
	defer w.lock()()
	trace := w.trace
	w.trace = nil
	return slices.Clone(trace)
}

// How ids begin. The ids of a world count up.
const (
	AttemptIDs = "a77e3970"
	PersonIDs  = "9e4504aa" // versions that people have put
)

// newID makes ids in the form of a UUID that show their order.
func (w *World) newID() string {
	defer w.lock()()
	return w.id(AttemptIDs)
}

func (w *World) id(prefix string) string {
	w.ids++
	return fmt.Sprintf("%s-0000-4000-8000-%012d", prefix, w.ids)
}

func (w *World) later(act func()) {
	defer w.lock()()
	w.pending = append(w.pending, act)
}

func (w *World) record(c Call) {
	defer w.lock()()
	w.trace = append(w.trace, c)
}
