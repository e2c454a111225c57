package embedded_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

var key = store.Key{Provider: "hesabe", Account: "default"}

// TestPromoteUnknownLeavesCurrent is here and not in the contract, which is tested
// against an emulation that fails it.
func TestPromoteUnknownLeavesCurrent(t *testing.T) {
	t.Parallel()
	secrets, _ := secretsOf(t)
	id := put(t, secrets, "v")
	err := secrets.Promote(t.Context(), key, store.TokensDoc, id, "unknown")
	assert.Check(t, errors.Is(err, store.ErrNoVersion) && strings.Contains(err.Error(), "hesabe/default/tokens"),
		"error %v, want %q and the secret's name", err, store.ErrNoVersion)
	if got, err := secrets.CurrentID(t.Context(), key, store.TokensDoc); err != nil || got != id {
		t.Errorf("current id %q, %v; want %q", got, err, id)
	}
}

func TestCreateSecretKeepsWhatIsThere(t *testing.T) {
	t.Parallel()
	secrets, _ := secretsOf(t)
	id := put(t, secrets, "v")
	assert.NilError(t, secrets.CreateSecret(t.Context(), key, store.TokensDoc))
	if got, err := secrets.CurrentID(t.Context(), key, store.TokensDoc); err != nil || got != id {
		t.Errorf("current id %q, %v; want %q", got, err, id)
	}
}

// TestOldVersionsMakeRoom: 100 versions are kept, always including those with a label.
func TestOldVersionsMakeRoom(t *testing.T) {
	t.Parallel()
	secrets, _ := secretsOf(t)
	stage := func(id string) {
		_, err := secrets.Stage(t.Context(), key, store.TokensDoc, version(id))
		assert.NilError(t, err)
	}
	stage("previous")
	stage("current")
	assert.NilError(t, secrets.Promote(t.Context(), key, store.TokensDoc, "previous", "current"))
	const staged = 110
	for i := range staged {
		stage(fmt.Sprint(i))
	}
	for i := range staged {
		_, err := secrets.ByID(t.Context(), key, store.TokensDoc, fmt.Sprint(i))
		if kept := i >= staged-98; kept && err != nil || !kept && !errors.Is(err, store.ErrNoVersion) {
			t.Errorf("version %d: %v", i, err)
		}
	}
	for _, id := range []string{"previous", "current"} {
		if got, err := secrets.ByID(t.Context(), key, store.TokensDoc, id); err != nil || got != version(id) {
			t.Errorf("the %s version: %v, %v", id, got, err)
		}
	}
}

func version(id string) store.Version {
	return store.Version{ID: id, Value: secret.New("value " + id)}
}

// TestFileDoesNotGrow: a year of refreshes takes no more room than a week of them.
func TestFileDoesNotGrow(t *testing.T) {
	t.Parallel()
	secrets, path := secretsOf(t)
	refreshes := func() int64 {
		for range 150 {
			put(t, secrets, strings.Repeat("x", 2048))
		}
		info, err := os.Stat(path)
		assert.NilError(t, err)
		return info.Size()
	}
	if first, second := refreshes(), refreshes(); second > first {
		t.Errorf("the file grew from %d to %d bytes", first, second)
	}
}

// TestExpiredTransactionsAreDeleted: from the rows and from both indexes.
func TestExpiredTransactionsAreDeleted(t *testing.T) {
	t.Parallel()
	home, _ := open(t)
	rows := home.Transactions()
	expired := time.Now().Add(-time.Hour)
	recordUntil := func(id int64, end time.Time) {
		t.Helper()
		record(t, rows, store.Transaction{ID: id, Account: "a", Status: store.StatusActive, RefreshAt: expired, ExpiresAt: end})
	}
	const others = 40
	for id := range int64(others) {
		recordUntil(id, expired)
	}
	recordUntil(others, time.Time{})
	recordUntil(others+1, time.Now().Add(time.Hour))
	for id := range int64(others) {
		if _, found, err := rows.Get(t.Context(), id); err != nil || found {
			t.Errorf("transaction %d: found %t, %v", id, found, err)
		}
	}
	var due int
	for shard := range store.Shards { // asked as before they expired
		entries, err := rows.Due(t.Context(), "a", shard, 100, expired.Add(-time.Hour))
		assert.NilError(t, err)
		due += len(entries)
	}
	assert.Check(t, due == 2, "%d entries in the due index, want 2", due)
}

func TestIDsOfAnySign(t *testing.T) {
	t.Parallel()
	home, _ := open(t)
	for _, id := range []int64{-1, 0, 1, 1<<63 - 1, -1 << 63} {
		row := store.Transaction{ID: id, Account: "a", Status: store.StatusActive, RefreshAt: time.Unix(-id%1000, 0).UTC()}
		record(t, home.Transactions(), row)
		if got, found, err := home.Transactions().Get(t.Context(), id); err != nil || !found || got != row {
			t.Errorf("transaction %d: %+v, %t, %v", id, got, found, err)
		}
	}
}
