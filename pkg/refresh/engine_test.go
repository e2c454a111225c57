package refresh_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/refresh"
	rt "tokenrefresh/pkg/refresh/refreshtest"
	"tokenrefresh/pkg/store"
)

// many is a world of ten accounts.
func many() *rt.World {
	w := rt.New()
	w.Accounts = nil
	for n := range 10 {
		key := store.Key{Provider: rt.Name, Account: fmt.Sprintf("account-%d", n)}
		w.Add(key)
		w.Accounts = append(w.Accounts, key.Account)
	}
	return w
}

// One credential's panic does not affect others, wherever it happens.
func TestPanic(t *testing.T) {
	t.Parallel()
	for name, site := range map[string]rt.Site{
		"reading": {Op: rt.Current, Doc: store.Credentials},
		"claim":   claims,
		"keeping": stagesAccess,
		"staging": stages,
	} {
		inBubble(t, name, func(t *testing.T) {
			w := many()
			var log bytes.Buffer
			e := w.Engine(func(c rt.Call) rt.Fault {
				if c.Site == site && c.Key.Account == "account-3" {
					panic("planted secret")
				}
				return rt.None
			})
			e.Log = slog.New(slog.NewJSONHandler(&log, nil))
			for n, got := range e.Run(context.Background(), refresh.Request{RunID: "run"}) {
				want := outcome.LoggedIn
				if n == 3 {
					want = outcome.Transient
					assert.Check(t, got.Panicked)
					assert.Check(t, errors.Is(got.Err, outcome.ErrPanic))
				}
				assert.Equal(t, got.Outcome, want, "%v", got.Err)
				assert.Equal(t, got.Account, w.Accounts[n])
			}
			assert.Check(t, strings.Contains(log.String(), "stack"))
			assert.Check(t, !strings.Contains(log.String(), "planted secret"))
		})
	}
}

// Without the ledger nothing is refreshed, because other runs cannot be seen.
func TestLedgerDown(t *testing.T) {
	t.Parallel()
	for name, req := range map[string]refresh.Request{
		"all": {RunID: "run"}, "one": {RunID: "run", Account: "account-1", Force: true},
	} {
		inBubble(t, name, func(t *testing.T) {
			w := many()
			down := hooks(at(rt.Site{Op: rt.Rows}, 1, 0, rt.FailBefore), at(rt.Site{Op: rt.RowOf}, 1, 0, rt.FailBefore))
			got := w.Engine(down).Run(context.Background(), req)
			if req.Account == "" {
				assert.Equal(t, len(got), len(w.Accounts))
			} else {
				assert.Equal(t, len(got), 1)
			}
			for _, r := range got {
				assert.Equal(t, r.Outcome, outcome.Transient)
				assert.Check(t, r.Err != nil)
			}
			assert.Equal(t, len(w.Trace()), 1)
		})
	}
}

// A row that cannot be read affects no other account.
func TestUnreadableRow(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := many()
		spoilt := errors.New(`attribute "paused" is not a boolean`)
		w.Ledger.Set(store.Row{Key: store.Key{Provider: rt.Name, Account: "account-1"}, Unreadable: spoilt})
		for _, got := range w.Engine(nil).Run(context.Background(), refresh.Request{RunID: "run"}) {
			want := outcome.LoggedIn
			if got.Account == "account-1" {
				want = outcome.Misconfigured
			}
			assert.Equal(t, got.Outcome, want, "%v", got.Err)
			assert.Equal(t, errors.Is(got.Err, spoilt), want == outcome.Misconfigured)
		}
	})
}

// Accounts with a row are kept fresh besides those of the configuration, in order.
func TestAccounts(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := many()
		tick(w, nil)
		w.Accounts = []string{"account-2"}
		var got []string
		for _, r := range w.Engine(nil).Run(context.Background(), refresh.Request{RunID: "run"}) {
			got = append(got, r.Account)
		}
		var want []string
		for n := range 10 {
			want = append(want, fmt.Sprintf("account-%d", n))
		}
		assert.DeepEqual(t, want, got)
	})
}

// Two days of ticks: a refresh every twelve minutes, and nothing but them.
func TestTwoDays(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := rt.New()
		refreshes := 0
		for range 2 * 24 * 60 {
			switch got := tick(w, nil); got.Outcome {
			case outcome.Refreshed:
				refreshes++
			case outcome.LoggedIn, outcome.NotDue:
			default:
				t.Fatalf("outcome %s: %v", got.Outcome, got.Err)
			}
			assert.Assert(t, lasts(w) > 0, "readers have a token that is dead, or ends within two minutes")
			assert.Assert(t, row(w).AccessExpiresAt.Sub(w.Now()) >= 2*time.Minute, "readers have a token that is dead, or ends within two minutes")
			w.Advance(time.Minute)
		}
		assert.Equal(t, refreshes, 2*24*5-1)
		assert.Equal(t, w.Provider.Calls(rt.Login), 1)
		wantHealthy(t, w)
	})
}
