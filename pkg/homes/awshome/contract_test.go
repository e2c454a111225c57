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
	server := moto.Start(t)
	secrets := awshome.FromConfig(server.Config()).Secrets(moto.NewName("contract"))
	hometest.Secrets(t, secrets, people{server, secrets})
}

// ledgerOf is the ledger in a table of its own.
func ledgerOf(t *testing.T) (server *moto.Server, ledger *awshome.Ledger, table string) {
	t.Helper()
	server = moto.Start(t)
	table = server.CreateLedger(t)
	return server, awshome.FromConfig(server.Config()).Ledger(table), table
}

// transactionsOf is the store of transactions in a table of its own.
func transactionsOf(t *testing.T) (server *moto.Server, transactions *awshome.Transactions, table string) {
	t.Helper()
	server = moto.Start(t)
	table = server.CreateTransactions(t)
	return server, awshome.FromConfig(server.Config()).Transactions(table), table
}

func TestLedger(t *testing.T) {
	t.Parallel()
	_, ledger, _ := ledgerOf(t)
	hometest.Ledger(t, ledger)
}

func TestClaims(t *testing.T) {
	t.Parallel()
	_, ledger, _ := ledgerOf(t)
	hometest.Claims(t, ledger)
	hometest.ClaimsAsRows(t, ledger)
}

func TestDeadTransactions(t *testing.T) {
	t.Parallel()
	_, transactions, _ := transactionsOf(t)
	hometest.DeadTransactions(t, transactions)
}

func TestTransactions(t *testing.T) {
	t.Parallel()
	_, transactions, _ := transactionsOf(t)
	hometest.Transactions(t, transactions)
}
