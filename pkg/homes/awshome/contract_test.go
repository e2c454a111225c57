package awshome_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"tokenrefresh/internal/moto"
	"tokenrefresh/pkg/homes/awshome"
	"tokenrefresh/pkg/homes/hometest"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// people does to secrets what the template and people do.
type people struct {
	aws     *moto.Server
	secrets *awshome.Secrets
}

func (p people) CreateSecret(ctx context.Context, key store.Key, doc store.Document) error {
	name := p.secrets.Name(key, doc)
	_, err := p.aws.SecretsManager.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: &name})
	return err
}

func (p people) PutCurrent(ctx context.Context, key store.Key, doc store.Document, value secret.String) (string, error) {
	return p.aws.Edit(ctx, p.secrets.Name(key, doc), value.Reveal())
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	hometest.Secrets(t, func(t *testing.T) (store.Secrets, hometest.Seeder) {
		server := moto.Start(t)
		secrets := awshome.FromConfig(server.Config()).Secrets(moto.NewName("contract"))
		return secrets, people{server, secrets}
	})
}

func TestLedger(t *testing.T) {
	t.Parallel()
	hometest.Ledger(t, func(t *testing.T) store.Ledger {
		server := moto.Start(t)
		return awshome.FromConfig(server.Config()).Ledger(server.CreateLedger(t))
	})
}

func TestClaims(t *testing.T) {
	t.Parallel()
	open := func(t *testing.T) hometest.ClaimsLedger {
		server := moto.Start(t)
		return awshome.FromConfig(server.Config()).Ledger(server.CreateLedger(t))
	}
	hometest.Claims(t, open)
	hometest.ClaimsAsRows(t, open)
}

func TestDeadTransactions(t *testing.T) {
	t.Parallel()
	hometest.DeadTransactions(t, func(t *testing.T) hometest.DeadStore {
		server := moto.Start(t)
		return awshome.FromConfig(server.Config()).Transactions(server.CreateTransactions(t))
	})
}

func TestTransactions(t *testing.T) {
	t.Parallel()
	hometest.Transactions(t, func(t *testing.T) store.Transactions {
		server := moto.Start(t)
		return awshome.FromConfig(server.Config()).Transactions(server.CreateTransactions(t))
	})
}
