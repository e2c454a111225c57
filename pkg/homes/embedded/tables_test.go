package embedded_test

import (
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/homes/embedded"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// Two providers number their transactions alike. Neither may see a refresh token of the other.
func TestTablesAreApart(t *testing.T) {
	t.Parallel()
	home, path := open(t)
	const id = 7
	now := time.Now().UTC().Truncate(time.Second)
	further := home.TransactionsIn("further-transactions")
	want := func(token string) {
		t.Helper()
		x := reopen(t, path).TransactionsIn("further-transactions")
		row, found, err := x.Get(t.Context(), id)
		assert.NilError(t, err)
		rows, err := x.GetMany(t.Context(), []int64{id, id + 1})
		assert.NilError(t, err)
		due, err := x.Due(t.Context(), "default", store.ShardOf(id), 10, now)
		assert.NilError(t, err)
		if found != (token != "") || row.RefreshToken.Reveal() != token || len(due) == 1 != found ||
			rows[id].Found != found || rows[id+1].Found || len(rows) != 2 {
			t.Errorf("token %q, due %v, rows %v, want %q", row.RefreshToken.Reveal(), due, rows, token)
		}
	}
	put := func(x *embedded.Transactions, token string) {
		t.Helper()
		record(t, x, store.Transaction{
			ID: id, Account: "default", RefreshToken: secret.New(token), Status: store.StatusActive, RecordedAt: now, RefreshAt: now,
		})
	}
	want("")
	put(home.Transactions(), "first")
	want("")
	put(further, "second")
	want("second")
	row, _, err := home.TransactionsIn("transactions").Get(t.Context(), id)
	assert.NilError(t, err)
	assert.Equal(t, row.RefreshToken.Reveal(), "first")
}
