package refresh_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/refresh"
	rt "tokenrefresh/pkg/refresh/refreshtest"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// minute is a scheduled run with the template's Timeout.
func minute(t *testing.T, e *refresh.Engine) []refresh.Result {
	t.Helper()
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	results := e.Run(ctx, refresh.Request{RunID: "run"})
	assert.Check(t, time.Since(began) <= 59*time.Second)
	return results
}

// network is a provider whose hosts can hang. A credential names its host.
type network struct {
	providers.Provider
	takes time.Duration
	hangs map[string]bool
}

func (n network) Open(credentials secret.String) (providers.Session, error) {
	var c struct {
		Host string `json:"host"`
	}
	if err := json.Unmarshal([]byte(credentials.Reveal()), &c); err != nil {
		return nil, err
	}
	s, err := n.Provider.Open(credentials)
	return &line{s, c.Host, n}, err
}

type line struct {
	providers.Session
	host    string
	network network
}

func (l *line) Host() string { return l.host }

func (l *line) call(ctx context.Context, call func() (providers.Tokens, error)) (providers.Tokens, error) {
	if l.network.hangs[l.host] {
		<-ctx.Done()
		return providers.Tokens{}, &providers.Error{Kind: providers.Unknown, Provider: rt.Name, Op: "call"}
	}
	time.Sleep(l.network.takes)
	return call()
}

func (l *line) Refresh(ctx context.Context, token secret.String) (providers.Tokens, error) {
	return l.call(ctx, func() (providers.Tokens, error) { return l.Session.Refresh(ctx, token) })
}

func (l *line) Login(ctx context.Context) (providers.Tokens, error) {
	return l.call(ctx, func() (providers.Tokens, error) { return l.Session.Login(ctx) })
}

// shops are accounts that are due at once, with the hosts of hostOf.
func shops(t *testing.T, n int, hostOf func(i int) string) (*rt.World, []store.Key) {
	t.Helper()
	w := rt.New()
	w.Flows = true
	keys := accounts(w, n)
	for i, key := range keys {
		credentials := fmt.Sprintf(`{"password":"right","key":"","host":%q}`, hostOf(i))
		w.Secrets.Put(key, store.Credentials, secret.New(credentials))
		r := w.Ledger.Get(key)
		r.Host = hostOf(i)
		w.Ledger.Set(r)
	}
	w.Advance(12*time.Minute + 30*time.Second)
	return w, keys
}

// online is the engine of a world in which these hosts hang.
func online(w *rt.World, hangs map[string]bool) *refresh.Engine {
	e := w.Engine(nil)
	e.Provider = network{e.Provider, 300 * time.Millisecond, hangs}
	return e
}

// Accounts that hang do not affect others, whether they share a host or have one each.
func TestHangingAccountsHarmNoOthers(t *testing.T) {
	t.Parallel()
	const n, hanging = 200, 40
	for name, hostOf := range map[string]func(i int) string{
		"on a host of theirs":     func(int) string { return "bad" },
		"each on a host":          func(i int) string { return fmt.Sprint("bad-", i) },
		"on the host of everyone": func(int) string { return "good" },
	} {
		inBubble(t, name, func(t *testing.T) {
			bad := func(i int) bool { return i%(n/hanging) == 0 }
			hangs := map[string]bool{}
			w, keys := shops(t, n, func(i int) string {
				if !bad(i) {
					return "good"
				}
				host := hostOf(i)
				if host != "good" {
					hangs[host] = true
				}
				return host
			})
			if len(hangs) == 0 { // some merchants' calls hang, at the address of all
				hangs["good/slow"] = true
				for i, key := range keys {
					if bad(i) {
						w.Secrets.Put(key, store.Credentials, secret.New(`{"password":"right","key":"","host":"good/slow"}`))
					}
				}
			}
			for tick := range 20 {
				began := time.Now()
				minute(t, online(w, hangs))
				for i, key := range keys {
					r := w.Ledger.Get(key)
					assert.Assert(t, bad(i) || w.Now().Before(r.AccessExpiresAt), "tick %d: the token of %s has ended", tick, key.Account)
				}
				time.Sleep(time.Until(began.Add(time.Minute)))
			}
		})
	}
}

// A run without enough time does what it can and leaves the rest without reading it: the living
// come first, and a quarter is for the ended.
func TestMoreThanARunCanDo(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		const n, ended = 1200, 600
		w, keys := shops(t, n, func(int) string { return "good" })
		for _, key := range keys[:ended] { // whose names come first
			r := w.Ledger.Get(key)
			r.AccessExpiresAt = w.Now().Add(-time.Minute)
			w.Ledger.Set(r)
		}
		w.Trace()
		e := online(w, nil)
		e.WriteRate = 50
		results := minute(t, e)
		refreshed := map[bool]int{}
		touched := map[store.Key]bool{}
		for _, c := range w.Trace() {
			touched[c.Key] = true
		}
		for i, r := range results {
			switch r.Outcome {
			case outcome.Refreshed:
				refreshed[i < ended]++
			case outcome.Left:
				if touched[keys[i]] {
					t.Errorf("%s is left, and was read", r.Account)
				}
			default:
				t.Errorf("%s: %s: %v", r.Account, r.Outcome, r.Err)
			}
		}
		all := refreshed[true] + refreshed[false]
		if all < 500 || refreshed[true] < all/4-1 || refreshed[true] > all/4+1 {
			t.Errorf("%d of the ended refreshed, %d of the living", refreshed[true], refreshed[false])
		}
		for range 2 {
			minute(t, e)
			time.Sleep(15 * time.Second)
		}
		assert.Check(t, healthy(w, keys), "not all are refreshed after three runs")
	})
}

// A run with hanging stores ends in time, and the next runs finish its work.
func TestRunIsCutShort(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w, keys := shops(t, 10, func(int) string { return "good" })
		var over atomic.Bool // its abandoned work goes on beside the next runs
		w.Latency = func(c rt.Call) time.Duration {
			if !over.Load() && (c.Op == rt.Stage || c.Op == rt.Write && c.Nth > 10) {
				return time.Hour
			}
			return 0
		}
		ctx, cancel := context.WithTimeout(t.Context(), 17600*time.Millisecond) // as late as can be
		defer cancel()
		began := time.Now()
		e := online(w, nil)
		e.Provider = network{w.Engine(nil).Provider, 9900 * time.Millisecond, nil}
		results := e.Run(ctx, refresh.Request{RunID: "run"})
		assert.Check(t, time.Since(began) <= 17*time.Second)
		for _, r := range results {
			assert.Equal(t, r.Outcome, outcome.Transient)
			assert.Check(t, errors.Is(r.Err, refresh.ErrCutShort))
		}
		over.Store(true)
		for range 4 {
			time.Sleep(time.Minute)
			minute(t, online(w, nil))
		}
		assert.Check(t, healthy(w, keys), "not all are refreshed")
		wantPromises(t, w)
	})
}

// quota is a store with a limit of writes a second, shared by all writers.
type quota struct {
	store.Secrets
	account *account
}

type account struct {
	mu        sync.Mutex
	left      float64
	filled    time.Time
	throttled int
	done      int
}

const writesASecond = 50

func (q quota) take() error {
	a := q.account
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	a.left = min(writesASecond, a.left+writesASecond*now.Sub(a.filled).Seconds())
	a.filled = now
	if a.left < 1 {
		a.throttled++
		return store.ErrThrottled
	}
	a.left--
	a.done++
	return nil
}

func (q quota) Stage(ctx context.Context, key store.Key, doc store.Document, v store.Version) (bool, error) {
	if err := q.take(); err != nil {
		return false, err
	}
	return q.Secrets.Stage(ctx, key, doc, v)
}

func (q quota) Promote(ctx context.Context, key store.Key, doc store.Document, from, to string) error {
	if err := q.take(); err != nil {
		return err
	}
	return q.Secrets.Promote(ctx, key, doc, from, to)
}

// Runs that share a quota slow down until they fit into it, and use it up.
func TestRunsShareAQuota(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		runs int
		rate float64
	}{
		"one": {1, 50}, "one that knows no quota": {1, 0}, "three": {3, 50},
	} {
		inBubble(t, name, func(t *testing.T) {
			w, _ := shops(t, 650, func(int) string { return "good" })
			shared := &account{}
			var running sync.WaitGroup
			var mu sync.Mutex
			counts := map[outcome.Outcome]int{}
			for i := range tt.runs {
				e := online(w, nil)
				e.Secrets, e.WriteRate = quota{e.Secrets, shared}, tt.rate
				e.Ledger = part{e.Ledger, i, tt.runs}
				e.Accounts = nil
				running.Go(func() {
					for _, r := range minute(t, e) {
						mu.Lock()
						counts[r.Outcome]++
						mu.Unlock()
					}
				})
			}
			running.Wait()
			assert.Check(t, counts[outcome.Refreshed] >= 480)
			// The next run repairs replies that are kept but not current.
			assert.Equal(t, counts[outcome.Transient], 0)
			assert.Check(t, counts[outcome.PersistFailed] <= counts[outcome.Refreshed]/100)
			assert.Check(t, shared.throttled <= shared.done/4)
		})
	}
}

// part is a ledger with a part of the accounts: those of one function of several.
type part struct {
	store.Ledger
	nth, of int
}

func (p part) Rows(ctx context.Context, provider string) ([]store.Row, error) {
	rows, err := p.Ledger.Rows(ctx, provider)
	mine := rows[:0]
	for i, r := range rows {
		if i%p.of == p.nth {
			mine = append(mine, r)
		}
	}
	return slices.Clip(mine), err
}

// Whenever a run ends, it has a result for each account.
func TestCutShortInAnOutage(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w, keys := shops(t, 20, func(int) string { return "good" })
		w.Provider.Answer = rt.Fail(rt.Refresh, providers.NotSent, false)
		minute(t, online(w, nil))
		w.Latency = takes(claims, 0, time.Hour)
		results := minute(t, online(w, nil))
		for i, r := range results {
			assert.Equal(t, r.Account, keys[i].Account)
			assert.Check(t, r.Outcome != "")
		}
	})
}
