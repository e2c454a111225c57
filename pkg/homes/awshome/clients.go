package awshome

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"tokenrefresh/pkg/eventbridge"
)

// Clients are the clients of all services. Make them once a process.
type Clients struct {
	SecretsManager *secretsmanager.Client
	DynamoDB       *dynamodb.Client
	EventBridge    eventbridge.Client
	SQS            Service
}

// Service is what the client of a further service is made of: a package that not
// every function carries makes it.
type Service struct {
	Config aws.Config // with the service's endpoint
	FIPS   aws.FIPSEndpointState
}

// FromConfig makes the clients of a configuration that the caller has loaded, with
// its HTTP client, retries and endpoints.
func FromConfig(cfg aws.Config) *Clients {
	return &Clients{
		SecretsManager: secretsmanager.NewFromConfig(cfg), DynamoDB: dynamodb.NewFromConfig(cfg), SQS: Service{Config: cfg},
		EventBridge: eventbridge.Client{
			Region: cfg.Region, Credentials: cfg.Credentials, HTTP: cfg.HTTPClient, Endpoint: aws.ToString(cfg.BaseEndpoint),
		},
	}
}

// Secrets is the store of documents whose names begin with prefix.
func (c *Clients) Secrets(prefix string) *Secrets { return NewSecrets(c.SecretsManager, prefix) }

// Ledger is the ledger in that table.
func (c *Clients) Ledger(table string) *Ledger { return NewLedger(c.DynamoDB, table) }

// Transactions is the store of transactions in that table.
func (c *Clients) Transactions(table string) *Transactions {
	t := NewTransactions(c.DynamoDB, table)
	t.quick = newQuick(c.DynamoDB)
	return t
}
