package awshome

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	smithyendpoints "github.com/aws/smithy-go/endpoints"

	"tokenrefresh/pkg/eventbridge"
)

// Clients are the clients of all services. Make them once a process.
type Clients struct {
	SecretsManager *secretsmanager.Client
	DynamoDB       *dynamodb.Client
	EventBridge    eventbridge.Client
	SQS            aws.Config // with its endpoint: the client is made in a package that only some functions import
}

// FromConfig makes the clients of a configuration that the caller has loaded, with
// its HTTP client, retries and endpoints.
func FromConfig(cfg aws.Config) *Clients { return newClients(cfg, cfg, cfg, cfg) }

// newClients makes the clients, each with a configuration of its own.
func newClients(manager, dynamo, queues, events aws.Config) *Clients {
	c := &Clients{SecretsManager: secretsmanager.NewFromConfig(manager), DynamoDB: dynamodb.NewFromConfig(dynamo), SQS: queues}
	c.EventBridge = eventbridge.Client{Region: events.Region, Credentials: events.Credentials, HTTP: events.HTTPClient}
	if c.EventBridge.Endpoint = aws.ToString(events.BaseEndpoint); c.EventBridge.Endpoint == "" {
		c.EventBridge.Endpoint = busEndpoint(c.DynamoDB.Options())
	}
	return c
}

// busEndpoint is EventBridge's own address, derived from DynamoDB's: that client's resolver knows
// every partition, the isolated ones too, and each function has it already. Empty: the region has
// none.
func busEndpoint(o dynamodb.Options) string {
	o.BaseEndpoint = nil
	found, err := resolve(context.Background(), o)
	if err != nil {
		return ""
	}
	rest, named := strings.CutPrefix(found.URI.Host, "dynamodb")
	if !named {
		return ""
	}
	return found.URI.Scheme + "://events" + rest
}

// resolve is the address that a client of DynamoDB calls.
func resolve(ctx context.Context, o dynamodb.Options) (smithyendpoints.Endpoint, error) {
	return o.EndpointResolverV2.ResolveEndpoint(ctx, dynamodb.EndpointParameters{
		Region: &o.Region, Endpoint: o.BaseEndpoint,
		UseFIPS:      aws.Bool(o.EndpointOptions.UseFIPSEndpoint == aws.FIPSEndpointStateEnabled),
		UseDualStack: aws.Bool(o.EndpointOptions.UseDualStackEndpoint == aws.DualStackEndpointStateEnabled),
	})
}

// Secrets is the store of the documents named <prefix>/<provider>/<account>/<document>.
func (c *Clients) Secrets(prefix string) *Secrets {
	return &Secrets{api: c.SecretsManager, prefix: prefix, staged: map[string]string{}}
}

// Ledger is the ledger in that table.
func (c *Clients) Ledger(name string) *Ledger {
	return &Ledger{table{c.DynamoDB, name, newQuick(c.DynamoDB)}}
}

// Transactions is the store of transactions in that table.
func (c *Clients) Transactions(name string) *Transactions {
	return &Transactions{table{c.DynamoDB, name, newQuick(c.DynamoDB)}}
}
