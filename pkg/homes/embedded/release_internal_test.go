package embedded

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"go.etcd.io/bbolt"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// Releases work on the same rows: a missing field counts as none, and a field that this release does
// not know survives.
func TestRowsOfOtherReleases(t *testing.T) {
	t.Parallel()
	home := openHome(t)
	x := home.Transactions()
	const row = `{"account":"default","refresh_token":"rt","status":"active","refresh_at":"2096-03-01T12:00:00Z","a_field_to_come":[1]}`
	assert.NilError(t, home.update(t.Context(), func(tx *bbolt.Tx) error {
		return tx.Bucket(transactionsBucket).Put(ordered(14), []byte(row))
	}))
	got, found, err := x.Get(t.Context(), 14)
	want := store.Transaction{
		ID: 14, Account: "default", RefreshToken: secret.New("rt"), Status: store.StatusActive,
		RefreshAt: time.Date(2096, 3, 1, 12, 0, 0, 0, time.UTC),
	}
	assert.Check(t, found && err == nil && got == want, "%+v, %v", got, err)
	got.Failures++
	assert.Check(t, x.Update(t.Context(), got, got.RefreshToken))
	assert.NilError(t, home.view(t.Context(), func(tx *bbolt.Tx) error {
		members := fields(t, tx.Bucket(transactionsBucket).Get(ordered(14)))
		assert.Check(t, members["a_field_to_come"] != nil && members["failures"] == 1.0, "the row holds %v", members)
		return nil
	}))
}

func fields(t *testing.T, row []byte) map[string]any {
	t.Helper()
	var all map[string]any
	assert.NilError(t, json.Unmarshal(row, &all))
	return all
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
