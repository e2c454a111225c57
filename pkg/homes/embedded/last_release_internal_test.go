package embedded

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/pkg/homes/hometest"
	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/refresh"
	rt "tokenrefresh/pkg/refresh/refreshtest"
	"tokenrefresh/pkg/store"
)

var modelKey = rt.Default

// Rows of the last release are read, and written again with the same fields of that release, which
// reads them after a roll-back.
func TestRowsOfTheLastRelease(t *testing.T) {
	t.Parallel()
	for _, scene := range hometest.LastRelease(t) {
		row, err := decodeRow(modelKey, scene.Row)
		assert.Assert(t, err == nil, "%s: %v", scene.Name, err)
		written, err := encodeRow(row)
		assert.NilError(t, err)
		old, now := fields(t, scene.Row), fields(t, written)
		staged, _ := old["staged_at"].([]any)
		assert.Check(t, row.Staged.Since(time.Time{}) == len(staged),
			"%s: %d attempts are counted as %q", scene.Name, len(staged), row.Staged)
		spent, _ := old["spent"].([]any)
		if last := spent[max(0, len(spent)-2):]; len(last) > 0 && !cmp.Equal(now["spent"], any(last)) {
			t.Errorf("%s: the last tokens presented are %q, want the last of %q", scene.Name, now["spent"], spent)
		}
		if again, err := decodeRow(modelKey, written); err != nil || len(again.Spent) != len(spent) || again.Staged != row.Staged {
			t.Errorf("%s: %+v is written and read as %+v, %v", scene.Name, row, again, err)
		}
		for _, name := range []string{"spent", "spent_short", "staged", "staged_at"} {
			delete(old, name)
			delete(now, name)
		}
		assert.Check(t, is.DeepEqual(now, old), "%s", scene.Name)
	}
}

func fields(t *testing.T, row []byte) map[string]any {
	t.Helper()
	var all map[string]any
	assert.NilError(t, json.Unmarshal(row, &all))
	return all
}

// The engine goes on from whatever the last release has left, and presents no token again.
func TestEngineGoesOnFromTheLastRelease(t *testing.T) {
	t.Parallel()
	for _, scene := range hometest.LastRelease(t) {
		t.Run(scene.Name, func(t *testing.T) {
			t.Parallel()
			row, err := decodeRow(modelKey, scene.Row)
			assert.NilError(t, err)
			w := rt.Restored(rt.Snapshot{
				Now: scene.Now, Row: row, Versions: scene.Versions, Current: scene.Current, Live: scene.Live,
				Password: scene.Password, Key: scene.Key,
			})
			var outcomes []outcome.Outcome
			for range 30 {
				result := w.Engine(nil).Run(t.Context(), refresh.Request{RunID: "new"})[0]
				if !slices.Contains(outcomes, result.Outcome) {
					outcomes = append(outcomes, result.Outcome)
				}
				w.Advance(time.Minute)
			}
			if n := w.Provider.Seen().Replays; n > 0 {
				t.Errorf("%d replays, %v", n, outcomes)
			}
			if violations := w.Violations(); len(violations) > 0 {
				t.Error(violations)
			}
			if want := afterwards[scene.Name]; outcomes[len(outcomes)-1] != want && !slices.Contains(outcomes, want) || want == "" {
				t.Errorf("outcomes %v, want %q among them", outcomes, want)
			}
		})
	}
}

// afterwards has the outcome of each scene.
var afterwards = map[string]outcome.Outcome{
	"idle":                          outcome.Refreshed,
	"due":                           outcome.Refreshed,
	"due, no login":                 outcome.Refreshed,
	"refreshed nine times":          outcome.Refreshed,
	"logged in":                     outcome.Refreshed,
	"died after the send":           outcome.LoggedIn,
	"died after the send, no login": outcome.Uncertain,
	"died before the promote":       outcome.Recovered,
	"died with the escrow alone":    outcome.Recovered,
	"carried":                       outcome.Recovered,
	"unpublished":                   outcome.Recovered,
	"an unreadable reply, no login": outcome.Uncertain,
	"uncertain":                     outcome.Uncertain,
	"dead":                          outcome.Dead,
	"misconfigured":                 outcome.Misconfigured,
	"unreadable secrets":            outcome.Refreshed,
	"a login backs off":             outcome.LoggedIn,
	"rate limited":                  outcome.Refreshed,
	"paused":                        outcome.Paused,
}

// A field that a later release has written survives what this one writes.
func TestUnknownFieldsSurvive(t *testing.T) {
	t.Parallel()
	home := openHome(t)
	ledger := home.Ledger()
	account := store.Key{Provider: "hesabe", Account: "default"}
	claim := store.ShardKey(account, 3)
	put := func(tx *bbolt.Tx) error {
		bucket, err := tx.Bucket(ledgerBucket).CreateBucketIfNotExists([]byte("hesabe"))
		if err != nil {
			return err
		}
		for _, key := range []store.Key{account, claim} {
			if err := bucket.Put([]byte(key.Account), []byte(`{"phase":"idle","fence":4,"later":{"a":[1,2]},"state":"ok"}`)); err != nil {
				return err
			}
		}
		return nil
	}
	assert.NilError(t, ledger.home.update(t.Context(), put))
	assert.NilError(t, ledger.Write(t.Context(), store.Row{Key: account, Fence: 5, Phase: store.Idle}, store.Guard{Fence: 4}))
	assert.NilError(t, ledger.SetPaused(t.Context(), account, true))
	assert.NilError(t, ledger.WriteShardClaim(t.Context(), store.ShardClaim{Account: account, Shard: 3, Fence: 5, Holder: "run"}))
	for key, want := range map[store.Key]string{
		account: `{"escrow":{},"fence":5,"later":{"a":[1,2]},"paused":true,"phase":"idle"}`,
		claim:   `{"claimed_by":"run","escrow":{},"fence":5,"later":{"a":[1,2]},"phase":"idle","state":"ok"}`,
	} {
		var got []byte
		err := ledger.home.view(t.Context(), func(tx *bbolt.Tx) error {
			got = bytes.Clone(tx.Bucket(ledgerBucket).Bucket([]byte("hesabe")).Get([]byte(key.Account)))
			return nil
		})
		assert.NilError(t, err)
		assert.Check(t, is.DeepEqual(fields(t, got), fields(t, []byte(want))), "%s", key)
	}
}
