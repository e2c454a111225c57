package awshome_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"gotest.tools/v3/assert"

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

func text(value string) types.AttributeValue { return &types.AttributeValueMemberS{Value: value} }

func number(value string) types.AttributeValue { return &types.AttributeValueMemberN{Value: value} }

// write stores an item as it is.
func write(t *testing.T, server *moto.Server, table string, stored map[string]types.AttributeValue) {
	t.Helper()
	_, err := server.DynamoDB.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: stored})
	assert.NilError(t, err)
}

// record puts a transaction.
func record(t *testing.T, transactions *awshome.Transactions, row store.Transaction) {
	t.Helper()
	_, err := transactions.Put(t.Context(), row, time.Now())
	assert.NilError(t, err)
}

// wantSays wants an error with all these words and without a planted value.
func wantSays(t *testing.T, what string, err error, words ...string) {
	t.Helper()
	assert.Assert(t, err != nil, "%s: no error", what)
	for _, part := range words {
		assert.Check(t, strings.Contains(err.Error(), part), "%s: %q does not say %q", what, err, part)
	}
	assert.Check(t, !strings.Contains(err.Error(), planted), "%s: %q tells a value", what, err)
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
