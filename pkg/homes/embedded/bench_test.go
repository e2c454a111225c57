package embedded_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// BenchmarkRows is a tick with nothing due.
func BenchmarkRows(b *testing.B) {
	home, _ := open(b)
	assert.NilError(b, count(b.Context(), home.Ledger(), key, 1))
	for b.Loop() {
		_, err := home.Ledger().Rows(b.Context(), key.Provider)
		assert.NilError(b, err)
	}
}

func BenchmarkClaim(b *testing.B) {
	home, _ := open(b)
	row := store.Row{Key: key, Phase: store.Sending, AttemptID: "attempt", Spent: []string{strings.Repeat("f", 64)}}
	assert.NilError(b, home.Ledger().Write(b.Context(), row, store.Guard{Absent: true}))
	for b.Loop() {
		row.Fence++
		assert.NilError(b, home.Ledger().Write(b.Context(), row, store.Guard{Fence: row.Fence - 1}))
	}
}

func BenchmarkCurrent(b *testing.B) {
	secrets, _ := secretsOf(b)
	put(b, secrets, strings.Repeat("x", 2048))
	for b.Loop() {
		_, err := secrets.Current(b.Context(), key, store.TokensDoc)
		assert.NilError(b, err)
	}
}

func BenchmarkStageAndPromote(b *testing.B) {
	secrets, _ := secretsOf(b)
	current := put(b, secrets, strings.Repeat("x", 2048))
	value := secret.New(strings.Repeat("y", 2048))
	for i := 0; b.Loop(); i++ {
		next := fmt.Sprint(i)
		_, err := secrets.Stage(b.Context(), key, store.TokensDoc, store.Version{ID: next, Value: value})
		assert.NilError(b, err)
		assert.NilError(b, secrets.Promote(b.Context(), key, store.TokensDoc, current, next))
		current = next
	}
}

// BenchmarkSweepRow measures what a row costs a sweep, with 32 workers in contention and many other
// rows.
func BenchmarkSweepRow(b *testing.B) {
	home, _ := open(b)
	rows := home.Transactions()
	now, token := time.Now(), secret.New(strings.Repeat("t", 1024))
	row := func(id int64) store.Transaction {
		return store.Transaction{ID: id, Account: "a", RefreshToken: token, Status: store.StatusActive, RefreshAt: now}
	}
	const stored = 500
	for id := range int64(stored) {
		record(b, rows, row(id))
	}
	b.SetParallelism(16)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for id := int64(0); pb.Next(); id = (id + 1) % stored {
			t, _, err := rows.Get(b.Context(), id)
			assert.Check(b, err)
			t.AccessToken, t.RefreshAt = token, now.Add(time.Duration(id)*time.Second)
			assert.Check(b, rows.Update(b.Context(), t, token))
		}
	})
}

func BenchmarkDue(b *testing.B) {
	home, _ := open(b)
	rows := home.Transactions()
	for id := range int64(1000) {
		row := store.Transaction{ID: id, Account: "a", Status: store.StatusActive, RefreshAt: time.Unix(id, 0)}
		record(b, rows, row)
	}
	b.ResetTimer()
	for b.Loop() {
		if due, err := rows.Due(b.Context(), "a", 3, 10, time.Now()); err != nil || len(due) != 10 {
			b.Fatal(len(due), err)
		}
	}
}
