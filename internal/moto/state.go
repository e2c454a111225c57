package moto

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	smtypes "github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
)

var names atomic.Int64

// NewName returns a name that no other test of this process has.
func NewName(stem string) string { return fmt.Sprintf("%s-%d", stem, names.Add(1)) }

// CreateLedger creates an empty ledger table, as the template does, and returns its name.
func (s *Server) CreateLedger(t testing.TB) string {
	t.Helper()
	return s.createTable(t, &dynamodb.CreateTableInput{
		TableName: aws.String(NewName("ledger")),
		AttributeDefinitions: []types.AttributeDefinition{
			attribute("provider", types.ScalarAttributeTypeS), attribute("account", types.ScalarAttributeTypeS),
		},
		KeySchema: keys("provider", "account"),
	})
}

// CreateTransactions creates an empty table of transactions with its due index, as
// the template does, and returns its name.
func (s *Server) CreateTransactions(t testing.TB) string {
	t.Helper()
	return s.CreateTransactionsAs(t, NewName("transactions"))
}

// CreateTransactionsAs does so under that name.
func (s *Server) CreateTransactionsAs(t testing.TB, name string) string {
	t.Helper()
	return s.createTable(t, &dynamodb.CreateTableInput{
		TableName: &name,
		AttributeDefinitions: []types.AttributeDefinition{
			attribute("transaction_id", types.ScalarAttributeTypeN),
			attribute("due_shard", types.ScalarAttributeTypeS), attribute("refresh_at", types.ScalarAttributeTypeS),
		},
		KeySchema: keys("transaction_id"),
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName: aws.String("due"),
			KeySchema: keys("due_shard", "refresh_at"),
			Projection: &types.Projection{
				ProjectionType: types.ProjectionTypeInclude, NonKeyAttributes: []string{"access_expires_at", "failures", "ttl"},
			},
		}},
	})
}

// OwnTables reports whether tables lie in a server of their own, of which the emulated
// CloudFormation does not know.
func (s *Server) OwnTables() bool { return s.tables != nil }

func (s *Server) createTable(t testing.TB, table *dynamodb.CreateTableInput) string {
	t.Helper()
	table.BillingMode = types.BillingModePayPerRequest
	if _, err := s.DynamoDB.CreateTable(t.Context(), table); err != nil {
		t.Fatal(err)
	}
	return *table.TableName
}

func attribute(name string, kind types.ScalarAttributeType) types.AttributeDefinition {
	return types.AttributeDefinition{AttributeName: &name, AttributeType: kind}
}

func keys(names ...string) []types.KeySchemaElement {
	roles := []types.KeyType{types.KeyTypeHash, types.KeyTypeRange}
	var schema []types.KeySchemaElement
	for i, name := range names {
		schema = append(schema, types.KeySchemaElement{AttributeName: aws.String(name), KeyType: roles[i]})
	}
	return schema
}

// Placeholder is what the template puts into a new credentials secret.
const Placeholder = `{"placeholder":"put the credentials here"}`

// CreateSecrets creates the secrets of an account as the template does: credentials
// with a placeholder, the others without a value.
func (s *Server) CreateSecrets(t testing.TB, prefix, provider, account string) {
	t.Helper()
	stem := prefix + "/" + provider + "/" + account + "/"
	for name, value := range map[string]*string{"credentials": aws.String(Placeholder), "tokens": nil, "access": nil} {
		_, err := s.SecretsManager.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{
			Name: aws.String(stem + name), SecretString: value,
		})
		// AWS knows the SDK's second try for its first; moto says that there is one already.
		if _, exists := errors.AsType[*smtypes.ResourceExistsException](err); err != nil && !exists {
			t.Fatal(err)
		}
	}
}
