package handler_test

import (
	"fmt"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/refresh/refreshtest"
	"tokenrefresh/pkg/store"
)

// maxLog is how much a run may log about accounts for which nothing was called.
const maxLog = 64 << 10

// fleet fills a world with accounts in the given state, and none of them is due.
func fleet(w *refreshtest.World, accounts int, edit func(row *store.Row)) {
	for i := range accounts {
		row := store.Row{
			Key:   store.Key{Provider: refreshtest.Name, Account: fmt.Sprintf("merchant-of-a-rather-long-name-%05d", i)},
			Phase: store.Idle, State: store.OK, LastOutcome: outcome.Refreshed,
			AccessExpiresAt: w.Now().Add(10 * time.Minute), RefreshAt: w.Now().Add(7 * time.Minute),
		}
		edit(&row)
		w.Ledger.Set(row)
	}
}

// A run logs little about accounts without news, in a new process and in one that has seen them.
func TestLogOfManyAccounts(t *testing.T) {
	t.Parallel()
	long := fmt.Sprintf("%01000d", 1)
	for name, edit := range map[string]func(row *store.Row){
		"idle":      func(*store.Row) {},
		"paused":    func(row *store.Row) { row.Paused, row.RefreshAt = true, time.Time{} },
		"backs off": func(row *store.Row) { row.LastOutcome, row.LastError = outcome.Transient, long },
		"dead": func(row *store.Row) {
			row.State, row.LastOutcome, row.LastError = store.Dead, outcome.Dead, long
		},
		"misconfigured": func(row *store.Row) {
			row.State, row.LastOutcome, row.LastError = store.Misconfigured, outcome.Misconfigured, long
		},
		"a change without a call": func(row *store.Row) {
			row.State, row.LastOutcome, row.LastError = store.Dead, outcome.Refreshed, long
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := refreshtest.New()
			w.Accounts = nil
			accounts := 2_000
			if name == "idle" {
				accounts = 10_000
			}
			fleet(w, accounts, edit)
			h, out := newRefresh(w)
			for run := range 2 {
				out.Reset()
				_, err := h.Invoke(t.Context(), nil)
				assert.NilError(t, err)
				n := out.Len()
				assert.Check(t, n <= maxLog && n != 0, "run %d logs %d bytes:\n%.3000s", run, n, out)
			}
		})
	}
}

// Each change of an account's outcome is logged once.
func TestChangesAreLogged(t *testing.T) {
	t.Parallel()
	w := refreshtest.New()
	w.Accounts = nil
	fleet(w, 3, func(*store.Row) {})
	h, out := newRefresh(w)
	key := store.Key{Provider: refreshtest.Name, Account: "merchant-of-a-rather-long-name-00001"}
	for i, step := range []struct {
		edit func()
		want string
	}{
		{func() {}, ""},
		{func() { w.Ledger.Pause(key, true) }, "paused"},
		{func() {}, ""},
		{func() { w.Ledger.Pause(key, false) }, "not_due"},
		{func() {}, ""},
		{func() { w.Ledger.Pause(key, true) }, "paused"},
	} {
		step.edit()
		// What a pause stops is due.
		row := w.Ledger.Get(key)
		row.RefreshAt = w.Now().Add(7 * time.Minute)
		if row.Paused {
			row.RefreshAt = w.Now()
		}
		w.Ledger.Set(row)
		out.Reset()
		_, err := h.Invoke(t.Context(), nil)
		assert.NilError(t, err)
		got := ""
		for _, line := range linesOf(t, out) {
			if line["account"] == key.Account {
				got, _ = line["outcome"].(string)
			}
		}
		assert.Check(t, got == step.want, "step %d: %q, want %q", i, got, step.want)
	}
}
