package embedded

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"
	"gotest.tools/v3/assert"
)

var (
	bucketOfTest = []byte("test")
	errOfTest    = errors.New("refused")
)

func openTest(t *testing.T) *bbolt.DB {
	t.Helper()
	db, err := bbolt.Open(filepath.Join(t.TempDir(), "db"), 0o600, &bbolt.Options{Timeout: time.Second})
	assert.NilError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket(bucketOfTest)
		return err
	})
	assert.NilError(t, err)
	return db
}

func put(key string, err error) *operation {
	return newOperation(false, func(tx *bbolt.Tx) error {
		return errors.Join(tx.Bucket(bucketOfTest).Put([]byte(key), []byte(key)), err)
	})
}

// written counts the writes to disk.
func written(db *bbolt.DB) int64 {
	stats := db.Stats().TxStats
	return stats.GetWrite()
}

func has(t *testing.T, db *bbolt.DB, key string) bool {
	t.Helper()
	var found bool
	assert.NilError(t, db.View(func(tx *bbolt.Tx) error {
		found = tx.Bucket(bucketOfTest).Get([]byte(key)) != nil
		return nil
	}))
	return found
}

// An operation that fails undoes nothing of the others, leaves nothing behind, and has seen nothing
// uncommitted.
func TestWritesTogether(t *testing.T) {
	t.Parallel()
	db := openTest(t)
	before := written(db)
	var seen []bool
	looks := newOperation(false, func(tx *bbolt.Tx) error {
		seen = append(seen, tx.Bucket(bucketOfTest).Get([]byte("first")) != nil, tx.Bucket(bucketOfTest).Get([]byte("fails")) != nil)
		return errOfTest
	})
	all := []*operation{put("first", nil), put("fails", errOfTest), looks, put("unchanged", errUnchanged), put("last", nil)}
	write(db, all)
	for i, want := range []error{nil, errOfTest, errOfTest, nil, nil} {
		if !errors.Is(all[i].err, want) {
			t.Errorf("%d: error %v, want %v", i, all[i].err, want)
		}
	}
	for key, want := range map[string]bool{"first": true, "fails": false, "last": true} {
		assert.Check(t, has(t, db, key) == want, "%s is there: %t", key, !want)
	}
	if last := seen[len(seen)-2:]; !last[0] || last[1] {
		t.Errorf("at last it saw what was done: %t, and what was not: %t", last[0], last[1])
	}
	assert.Check(t, written(db) != before, "nothing was written")
}

// Without a change, nothing is synced.
func TestNothingToWrite(t *testing.T) {
	t.Parallel()
	db := openTest(t)
	before := written(db)
	unchanged := func() *operation { return newOperation(false, func(*bbolt.Tx) error { return errUnchanged }) }
	all := []*operation{unchanged(), unchanged()}
	write(db, all)
	if !errors.Is(all[0].err, errUnchanged) || written(db) != before {
		t.Errorf("error %v, %d writes", all[0].err, written(db)-before)
	}
}

// One panic ends its own goroutine's work, and hangs nobody.
func TestAnothersPanic(t *testing.T) {
	t.Parallel()
	db := openTest(t)
	q := &queue{turn: make(chan struct{}, 1)}
	waiting := put("waiting", nil)
	q.add(waiting)
	func() {
		defer func() { _ = recover() }()
		_ = q.run(t.Context(), newOperation(false, func(*bbolt.Tx) error { panic("a bug") }), func() (*opened, error) { return &opened{DB: db}, nil })
	}()
	<-waiting.done
	assert.Check(t, errors.Is(waiting.err, errAbandoned), "error %v", waiting.err)
	assert.Check(t, len(q.turn) == 0, "the turn does not end")
}

// An operation that was withdrawn takes no turn, and is not done.
func TestGivesUpWaiting(t *testing.T) {
	t.Parallel()
	q := &queue{turn: make(chan struct{}, 1)}
	q.turn <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(0, cancel)
	never := func() (*opened, error) { panic("it has no turn") }
	if err := q.run(ctx, put("x", nil), never); !errors.Is(err, context.Canceled) || len(q.waiting) != 0 {
		t.Errorf("%d wait, error %v", len(q.waiting), err)
	}
}
