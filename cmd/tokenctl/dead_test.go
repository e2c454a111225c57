package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/plant"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// markDead stores transactions first to last of an account as dead, marked then; the zero time:
// marked by an older release.
func (w *world) markDead(t *testing.T, account string, first, last int64, markedAt time.Time) {
	t.Helper()
	for id := first; id <= last; id++ {
		_, err := w.Transactions("berbix").Put(t.Context(), store.Transaction{
			ID: id, Account: account, RefreshToken: secret.New(fmt.Sprint(plant.Marker, id)), Status: store.StatusDead,
			RecordedAt: time.Now().Add(-time.Hour), ExpiresAt: time.Now().Add(time.Hour), Failures: 1, RefusedAt: markedAt,
		}, time.Now())
		assert.NilError(t, err)
	}
}

// alive returns the transactions up to last that are alive and due.
func (w *world) alive(t *testing.T, last int64) []int64 {
	t.Helper()
	var all []int64
	for id := int64(1); id <= last; id++ {
		row, found, err := w.Transactions("berbix").Get(t.Context(), id)
		if err != nil || !found {
			t.Fatal(found, err)
		}
		if row.Status == store.StatusActive {
			all = append(all, id)
			if row.RefreshAt.After(time.Now()) || row.RefreshAt.IsZero() || row.Failures != 0 || !row.RefusedAt.IsZero() {
				t.Errorf("it is not due at once: %+v", row)
			}
		}
	}
	return all
}

// Transactions that were marked dead wrongly are listed and revived: by time, by list, by
// id, and those of an older release.
func TestRevive(t *testing.T) {
	inHomes(t, func(t *testing.T, w *world) {
		now := time.Now()
		w.markDead(t, "default", 1, 2, now.Add(-5*time.Hour))
		w.markDead(t, "default", 3, 6, now.Add(-2*time.Hour))
		w.markDead(t, "default", 7, 8, now.Add(-time.Minute))
		w.markDead(t, "default", 9, 10, time.Time{})
		w.markDead(t, "shop-2", 11, 11, now.Add(-2*time.Hour))

		listed := w.run(t, "", "dead")
		listed.want(t, exitDone, "8 dead transactions of berbix/default", "--undated looks for them")
		var ids []string
		for line := range strings.Lines(listed.out) {
			id, _, _ := strings.Cut(line, " ")
			ids = append(ids, id)
		}
		want := []string{"7", "8", "3", "4", "5", "6", "1", "2"}
		assert.Check(t, slices.Equal(ids, want), "listed %v", ids)
		w.run(t, "", "dead", "--since", "3h", "--until", "1h").want(t, exitDone, "4 dead transactions")
		w.run(t, "", "dead", "--undated").want(t, exitDone, "10 dead transactions", "\n9  -\n10  -\n")
		w.run(t, "", "dead", "--account", "shop-2", "--json").want(t, exitDone, `{"transaction_id":11,"account":"shop-2","marked_at":"`)
		w.run(t, "", "status").want(t, exitPerson, "dead transactions: 8, the last marked 1m", "tokenctl revive --since 24h --dry-run --provider berbix")

		w.run(t, "", "status", "--transaction", "3").want(t, exitPerson,
			"transaction 3 of account default: dead", "called its refresh token invalid 2h ago", "next attempt  none", "tokenctl revive 3 --account default")
		w.run(t, "", "status", "--transaction", "3", "--json").want(t, exitPerson, `"status":"dead","dead_at":"`, `"refusals":0}`)
		w.run(t, "", "status", "--transaction", "9").want(t, exitPerson, "called its refresh token invalid\n")
		w.run(t, "", "status", "--transaction", "99").want(t, exitFailed, "transaction 99 is not recorded")

		w.run(t, "", "revive", "--since", "3h", "--until", "1h", "--dry-run").want(t, exitDone, "4 would be revived; 0 not dead, 0 failed")
		got := w.alive(t, 11)
		assert.Check(t, len(got) == 0, "a dry run revived %v", got)
		since := now.Add(-3 * time.Hour).UTC().Format(time.RFC3339)
		w.run(t, "", "revive", "--since", since, "--until", "1h").want(t, exitDone, "berbix/default: 4 revived")
		w.run(t, "", "revive", "--since", since, "--until", "1h").want(t, exitDone, "0 revived")
		w.run(t, "", "revive", "8", "99", "3", "8").want(t, exitDone, "1 revived, the next sweep refreshes them; 2 not dead, 0 failed")
		w.run(t, "", "revive", "11").want(t, exitPartly, "transaction 11: it is of account shop-2", "1 failed")
		got = w.alive(t, 11)
		assert.Check(t, slices.Equal(got, []int64{3, 4, 5, 6, 8}), "alive: %v", got)

		w.run(t, "", "status", "--transaction", "3").want(t, exitDone,
			"transaction 3 of account default: active", "next attempt  now", "kept fresh    for 59m more")

		list := filepath.Join(t.TempDir(), "list")
		assert.NilError(t, os.WriteFile(list, []byte(w.run(t, "", "dead", "--json").out), 0o600))
		w.run(t, "", "revive", "--file", list, "--json").want(t, exitDone, `{"account":"default","revived":3,"not_dead":0,"failed":0}`)
		w.run(t, "# those of Tuesday\n\n9  -\n", "revive", "--file", "-").want(t, exitDone, "1 revived")
		w.run(t, "", "revive", "--undated").want(t, exitDone, "1 revived")
		got = w.alive(t, 11)
		assert.Check(t, len(got) == 10, "alive: %v", got)
		w.run(t, "", "revive", "--account", "shop-2", "--since", "3h").want(t, exitDone, "berbix/shop-2: 1 revived")
		w.run(t, "", "dead", "--undated").want(t, exitDone, "0 dead transactions")
	})
}

func TestReviveUsage(t *testing.T) {
	t.Parallel()
	w := embeddedWorld(t)
	for _, tt := range []struct {
		stdin string
		args  []string
		code  int
		says  string
	}{
		{args: []string{"revive"}, code: exitUsage, says: "name transactions by their ids, by --file"},
		{args: []string{"revive", "7", "--since", "1h"}, code: exitUsage, says: "name transactions by their ids"},
		{args: []string{"revive", "x"}, code: exitUsage, says: "x is not the id of a transaction"},
		{args: []string{"revive", "--since", "yesterday"}, code: exitUsage, says: `"--since" flag: must be a time such as`},
		{args: []string{"revive", "--since", "1h", "--until", "2h"}, code: exitUsage, says: "--since must be before --until"},
		{args: []string{"dead", "--provider", "hesabe"}, code: exitUsage, says: "hesabe has no transactions"},
		{args: []string{"dead", "--account", "a/b"}, code: exitUsage, says: "--account"},
		{args: []string{"revive", "--file", "-"}, code: exitFailed, says: "it lists no transaction"},
		{stdin: "1\n{\"id\":2}\n", args: []string{"revive", "--file", "-"}, code: exitFailed, says: "line 2"},
		{stdin: "1,2\nnothing\n", args: []string{"revive", "--file", "-"}, code: exitFailed, says: "line 2"},
		{args: []string{"status", "--transaction", "0"}, code: exitUsage, says: "must be a number above 0"},
		{args: []string{"status", "--transaction", "7", "--provider", "hesabe"}, code: exitUsage, says: "--transaction is of --provider berbix"},
		{args: []string{"revive", "--file", "/nowhere"}, code: exitFailed, says: "/nowhere"},
	} {
		w.run(t, tt.stdin, tt.args...).want(t, tt.code, tt.says)
	}
}
