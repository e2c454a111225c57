package transactions_test

import (
	"crypto/x509"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenrefresh/internal/bench/endpoint"
	"tokenrefresh/internal/bench/transactions"
	"tokenrefresh/internal/bench/wire"
	"tokenrefresh/pkg/homes/awshome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/berbix"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

const total, due = 1000, 300

// world is the services with the clients that the function uses: they must understand
// every answer, over TLS.
type world struct {
	rows    *transactions.Rows
	dynamo  *wire.Server
	store   *awshome.Transactions
	ledger  *awshome.Ledger
	session providers.Session
}

func newWorld(t *testing.T) *world {
	t.Helper()
	ca, err := endpoint.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{rows: transactions.NewRows(total, due)}
	serve := func(contentType string, handler wire.Handler) *wire.Server {
		s, err := wire.Start(t.Context(), wire.Options{Certificate: ca.Certificate(), ContentType: contentType}, handler)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		return s
	}
	w.dynamo = serve("application/x-amz-json-1.0", transactions.NewDynamoDB(w.rows))
	provider := serve("application/json", transactions.NewProvider(w.rows))

	bundle := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(bundle, ca.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{
		"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
		"AWS_ENDPOINT_URL": w.dynamo.URL(), "AWS_CA_BUNDLE": bundle,
	}
	clients, err := awshome.FromEnvironment(func(name string) string { return env[name] }, awshome.Tuning{})
	if err != nil {
		t.Fatal(err)
	}
	w.store, w.ledger = clients.Transactions(transactions.Table), clients.Ledger(transactions.Ledger)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca.PEM())
	base, err := url.Parse(provider.URL())
	if err != nil {
		t.Fatal(err)
	}
	w.session, err = berbix.New(exchange.New(exchange.Options{RootCAs: roots}), "sandbox").Open(
		secret.New(`{"api_secret":"` + transactions.APISecret + `","base_url":"` + base.String() + `"}`))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// dueNow are the entries of all shards that are due, as a sweep reads them.
func (w *world) dueNow(t *testing.T, limit int) []int64 {
	t.Helper()
	var ids []int64
	for shard := range store.Shards {
		entries, err := w.store.Due(t.Context(), transactions.Account, shard, limit, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range entries {
			if i > 0 && e.RefreshAt.Before(entries[i-1].RefreshAt) {
				t.Errorf("shard %d is not in order at %d", shard, i)
			}
			if !e.RefreshAt.After(time.Now()) {
				ids = append(ids, e.ID)
			}
		}
	}
	return ids
}

func (w *world) refresh(t *testing.T, row store.Transaction) {
	t.Helper()
	tokens, err := w.session.Refresh(t.Context(), row.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	if tokens.TransactionID != row.ID {
		t.Fatalf("the provider answers for transaction %d, want %d", tokens.TransactionID, row.ID)
	}
	next := row
	next.AccessToken, next.ClientToken, next.AccessExpiresAt = tokens.AccessToken, tokens.ClientToken, tokens.AccessExpiresAt
	next.RefreshAt = time.Now().Add(48 * time.Minute)
	if err := w.store.Update(t.Context(), next, row.RefreshToken); err != nil {
		t.Fatal(err)
	}
}

// 250 entries are a page, so that the index is read in several.
func TestWhatIsDueIsRefreshedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.dueNow(t, total)
	if len(ids) != due {
		t.Fatalf("%d rows are due, want %d", len(ids), due)
	}
	rows, err := w.store.GetMany(t.Context(), ids)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		row := rows[id]
		if !row.Found || row.Err != nil || row.Transaction.Account != transactions.Account || row.Transaction.Status != store.StatusActive {
			t.Fatalf("row %d: %+v", id, row)
		}
		w.refresh(t, row.Transaction)
	}
	if diff := cmp.Diff(transactions.Tally{Written: due}, w.rows.Tally()); diff != "" {
		t.Errorf("tally (-want +got):\n%s", diff)
	}
	if left := w.dueNow(t, 25); len(left) > 0 {
		t.Errorf("%d rows are still due", len(left))
	}

	again := rows[ids[0]].Transaction
	w.refresh(t, again)
	if diff := cmp.Diff(transactions.Tally{Written: due, Odd: 1}, w.rows.Tally()); diff != "" {
		t.Errorf("tally after a second refresh of one (-want +got):\n%s", diff)
	}
}

func TestUnits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	charged := func(do func()) transactions.Units {
		before := w.rows.Units()
		do()
		after := w.rows.Units()
		return transactions.Units{Reads: after.Reads - before.Reads, Writes: after.Writes - before.Writes}
	}
	row, entry := transactions.Sizes()
	if row <= entry || row > 1024 {
		t.Fatalf("a row of %d bytes and an entry of %d: the units below are for others", row, entry)
	}
	ids := w.dueNow(t, 100)
	for name, tt := range map[string]struct {
		do   func()
		want transactions.Units
	}{
		"25 entries of a shard, read eventually": {func() {
			_, err := w.store.Due(t.Context(), transactions.Account, 3, 25, time.Now())
			if err != nil {
				t.Error(err)
			}
		}, transactions.Units{Reads: 0.5}},
		"seven rows, read consistently": {func() {
			if _, err := w.store.GetMany(t.Context(), ids[:7]); err != nil {
				t.Error(err)
			}
		}, transactions.Units{Reads: 7}},
		"an update that moves the row in the index": {func() {
			read, _, err := get(t, w, ids[7])
			if err != nil {
				t.Error(err)
			}
			w.refresh(t, read)
		}, transactions.Units{Reads: 1, Writes: 3}},
		"the ledger": {func() {
			key := store.Key{Provider: "berbix", Account: transactions.Account}
			if err := w.ledger.Write(t.Context(), store.Row{Key: key}, store.Guard{Absent: true}); err != nil {
				t.Error(err)
			}
			if rows, err := w.ledger.Rows(t.Context(), "berbix"); err != nil || len(rows) != 1 {
				t.Error(rows, err)
			}
		}, transactions.Units{Reads: 1, Writes: 1}},
	} {
		if diff := cmp.Diff(tt.want, charged(tt.do)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func get(t *testing.T, w *world, id int64) (store.Transaction, bool, error) {
	t.Helper()
	rows, err := w.store.GetMany(t.Context(), []int64{id})
	return rows[id].Transaction, rows[id].Found, errors.Join(err, rows[id].Err)
}

func TestStrangersAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.session.Refresh(t.Context(), secret.New("a token of nobody")); providers.KindOf(err) != providers.Refused {
		t.Errorf("a refresh token of nobody: %v, want it refused", err)
	}
	ids := w.dueNow(t, 100)
	row, found, err := get(t, w, ids[0])
	if err != nil || !found {
		t.Fatal(found, err)
	}
	if err := w.store.Update(t.Context(), row, secret.New("another")); err == nil {
		t.Error("an update under another refresh token was taken")
	}
	if _, err := w.store.GetMany(t.Context(), []int64{1}); err == nil {
		t.Error("a row that is not there was read")
	}
	if diff := cmp.Diff(transactions.Tally{}, w.rows.Tally()); diff != "" {
		t.Errorf("tally (-want +got):\n%s", diff)
	}
}
