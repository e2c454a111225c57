package refreshtest_test

import (
	"context"
	"testing"

	"tokenrefresh/pkg/homes/hometest"
	"tokenrefresh/pkg/refresh/refreshtest"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// The models keep the contract that the real homes keep.

func TestSecrets(t *testing.T) {
	t.Parallel()
	w := refreshtest.New()
	hometest.Secrets(t, w.Engine(nil).Secrets, person{w.Secrets})
}

func TestLedger(t *testing.T) {
	t.Parallel()
	hometest.Ledger(t, refreshtest.New().Engine(nil).Ledger)
}

type person struct{ secrets *refreshtest.Secrets }

func (p person) CreateSecret(_ context.Context, key store.Key, doc store.Document) error {
	p.secrets.Create(key, doc)
	return nil
}

func (p person) PutCurrent(_ context.Context, key store.Key, doc store.Document, v secret.String) (string, error) {
	return p.secrets.Put(key, doc, v), nil
}
