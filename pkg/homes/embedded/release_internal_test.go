package embedded

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"
	"time"

	"go.etcd.io/bbolt"
	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// Rows of other releases: of the one before refusals were counted, and of a future one with one
// more field.
const (
	activeOfLastRelease = `{"account":"default","refresh_token":"rt","access_token":"at","client_token":"ct",` +
		`"access_expires_at":"2096-03-01T13:00:00Z","customer_uid":"c","status":"active","recorded_at":"2096-03-01T11:00:00Z",` +
		`"refresh_at":"2096-03-01T12:00:00Z","expires_at":"2096-03-31T12:00:00Z","failures":2}`
	deadOfLastRelease = `{"account":"default","refresh_token":"rt","status":"dead","recorded_at":"2096-03-01T11:00:00Z",` +
		`"expires_at":"2096-03-31T12:00:00Z","failures":1}`
	activeOfNextRelease = `{"account":"default","refresh_token":"rt","status":"active","refresh_at":"2096-03-01T12:00:00Z",` +
		`"refusals":2,"refused_at":"2096-03-01T10:00:00Z","a_field_to_come":{"of":["any","form"]}}`
)

// put stores a row as it stands, without index entries.
func (h *Home) put(t *testing.T, id int64, row string) {
	t.Helper()
	err := h.update(t.Context(), func(tx *bbolt.Tx) error {
		return tx.Bucket(transactionsBucket).Put(ordered(id), []byte(row))
	})
	assert.NilError(t, err)
}

// Old and new code work on the same rows: a missing field counts as no refusal, and a field
// that this release doesn't know survives.
func TestRowsOfOtherReleases(t *testing.T) {
	t.Parallel()
	home := openHome(t)
	x := home.Transactions()
	at := time.Date(2096, 3, 1, 12, 0, 0, 0, time.UTC)
	home.put(t, 14, activeOfLastRelease)
	home.put(t, 24, deadOfLastRelease)
	home.put(t, 32, activeOfNextRelease)

	for id, want := range map[int64]store.Transaction{
		14: {Status: store.StatusActive, RefreshAt: at, Failures: 2},
		24: {Status: store.StatusDead, Failures: 1},
		32: {Status: store.StatusActive, RefreshAt: at, Refusals: 2, RefusedAt: at.Add(-2 * time.Hour)},
	} {
		row, found, err := x.Get(t.Context(), id)
		got := store.Transaction{
			Status: row.Status, RefreshAt: row.RefreshAt, Failures: row.Failures, Refusals: row.Refusals, RefusedAt: row.RefusedAt,
		}
		assert.Check(t, found && err == nil && got == want && row.RefreshToken == secret.New("rt"),
			"row %d: %+v, %v", id, row, err)
		row.Failures++
		assert.Check(t, x.Update(t.Context(), row, row.RefreshToken), "row %d", id)
	}
	var undated []int64
	for one, err := range x.DeadUndated(t.Context(), "default", at) {
		assert.NilError(t, err)
		undated = append(undated, one.ID)
	}
	assert.Check(t, slices.Equal(undated, []int64{24}), "dead without a time: %v", undated)
	err := home.view(t.Context(), func(tx *bbolt.Tx) error {
		var members map[string]json.RawMessage
		if err := json.Unmarshal(tx.Bucket(transactionsBucket).Get(ordered(32)), &members); err != nil {
			return err
		}
		if string(members["a_field_to_come"]) != `{"of":["any","form"]}` || string(members["failures"]) != "1" {
			t.Errorf("the row holds %v", slices.Sorted(maps.Keys(members)))
		}
		return nil
	})
	assert.NilError(t, err)
}

// An older release that writes a dead row leaves its entry in the index. The entry is ignored then.
func TestDeadEntryOfARowThatAnotherReleaseWrote(t *testing.T) {
	t.Parallel()
	home := openHome(t)
	x := home.Transactions()
	at := time.Date(2096, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, id := range []int64{14, 24} {
		dead := store.Transaction{ID: id, Account: "default", RefreshToken: secret.New("rt"), Status: store.StatusDead, RefusedAt: at}
		_, err := x.Put(t.Context(), dead, time.Now())
		assert.NilError(t, err)
	}
	home.put(t, 14, activeOfLastRelease)
	var found []int64
	for shard := range store.Shards {
		for one, err := range x.Dead(t.Context(), "default", shard, store.Span{}, at) {
			assert.NilError(t, err)
			found = append(found, one.ID)
		}
	}
	assert.Check(t, slices.Equal(found, []int64{24}), "dead: %v", found)
}
