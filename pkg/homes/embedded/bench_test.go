package embedded_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/homes/embedded"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

func benchmarkSecret(b *testing.B) (secrets *embedded.Secrets, current string) {
	b.Helper()
	home, _ := open(b)
	secrets = home.Secrets()
	assert.NilError(b, secrets.CreateSecret(b.Context(), key, store.TokensDoc))
	current, err := secrets.PutCurrent(b.Context(), key, store.TokensDoc, secret.New(strings.Repeat("x", 2048)))
	assert.NilError(b, err)
	return secrets, current
}

// BenchmarkRows is a tick with nothing due.
func BenchmarkRows(b *testing.B) {
	home, _ := open(b)
	assert.NilError(b, count(b.Context(), home.Ledger(), key, 1))
	for b.Loop() {
		if _, err := home.Ledger().Rows(b.Context(), key.Provider); err != nil {
			b.Fatal(err)
		}
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
	secrets, _ := benchmarkSecret(b)
	for b.Loop() {
		if _, err := secrets.Current(b.Context(), key, store.TokensDoc); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStageAndPromote(b *testing.B) {
	secrets, current := benchmarkSecret(b)
	value := secret.New(strings.Repeat("y", 2048))
	for i := 0; b.Loop(); i++ {
		next := fmt.Sprint(i)
		if _, err := secrets.Stage(b.Context(), key, store.TokensDoc, store.Version{ID: next, Value: value}); err != nil {
			b.Fatal(err)
		}
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
		if _, err := rows.Put(b.Context(), row(id), time.Now()); err != nil {
			b.Fatal(err)
		}
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
		if _, err := rows.Put(b.Context(), row, time.Now()); err != nil {
			b.Fatal(err)
		}
	}
	b.ResetTimer()
	for b.Loop() {
		if due, err := rows.Due(b.Context(), "a", 3, 10, time.Now()); err != nil || len(due) != 10 {
			b.Fatal(len(due), err)
		}
	}
}
