package home

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"

	"tokenrefresh/pkg/homes/awshome"
	"tokenrefresh/pkg/reader"
	"tokenrefresh/pkg/reader/awsreader"
	"tokenrefresh/pkg/store"
)

const (
	// callTimeout limits one attempt of a call: an operator waits for it.
	callTimeout = 10 * time.Second
	// attempts are more than a function's: no tick follows a command, and a table that scales with
	// its load refuses calls at first.
	attempts = 6
	// connections is how many are kept for each service at least.
	connections = 4
)

// LoadAWS reads AWS's own settings as its CLI does: variables, profiles, SSO, and AWS_ENDPOINT_URL.
// timeout limits one attempt of a call.
func LoadAWS(ctx context.Context, o Options, timeout time.Duration) (aws.Config, error) {
	client := awshttp.NewBuildableClient().WithTimeout(timeout).WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConnsPerHost = max(connections, o.Connections)
	})
	cfg, err := config.LoadDefaultConfig(ctx, config.WithBaseEndpoint(o.Endpoint),
		config.WithRegion(o.Region), config.WithSharedConfigProfile(o.Profile), config.WithHTTPClient(client),
		config.WithLogger(logging.Nop{}), // the SDK's own lines are for its developers; errors say what an operator needs
		config.WithRetryer(func() aws.Retryer {
			return retry.NewStandard(func(r *retry.StandardOptions) { r.MaxAttempts = attempts })
		}))
	if err != nil {
		return aws.Config{}, fmt.Errorf("read AWS's settings: %w", err)
	}
	if cfg.Region == "" {
		return aws.Config{}, errors.New("no AWS region: name one with --region, AWS_REGION or in the profile")
	}
	MarkKeys(&cfg)
	if o.Watch != nil {
		o.Watch.attach(&cfg, o)
	}
	return cfg, nil
}

// Region is the region of the flags, variables or AWS's own files; empty: none. It makes no call.
func Region(ctx context.Context, o Options) string {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(o.Region), config.WithSharedConfigProfile(o.Profile))
	if err != nil { // such as a missing profile: opening the home reports it
		return o.Region
	}
	return cfg.Region
}

func openAWS(ctx context.Context, o Options) (*Home, error) {
	cfg, err := LoadAWS(ctx, o, callTimeout)
	if err != nil {
		return nil, err
	}
	return FromAWS(cfg, o), nil //nolint:contextcheck // it resolves an endpoint, and waits for nothing
}

// FromAWS is the home that options name, with AWS settings that were read before.
func FromAWS(cfg aws.Config, o Options) *Home {
	clients := awshome.FromConfig(cfg)
	secrets := clients.Secrets(o.SecretPrefix)
	return &Home{
		Name:         fmt.Sprintf("aws %s %s %s %s %s", cfg.Region, o.Profile, o.SecretPrefix, o.LedgerTable, o.TransactionsTable),
		Secrets:      secrets,
		Ledger:       clients.Ledger(o.LedgerTable),
		Transactions: func(provider string) Transactions { return clients.Transactions(o.Table(provider)) },
		Fault:        func() error { return nil },
		Editor:       clients.Editor(o.SecretPrefix, o.LedgerTable, o.KMSKey),
		Access: func(key store.Key) reader.Source {
			return awsreader.Secret(clients.SecretsManager, secrets.Name(key, store.AccessDoc))
		},
		TransactionToken: func(provider string, id int64) reader.Source {
			return awsreader.Transaction(clients.DynamoDB, o.Table(provider), id)
		},
	}
}
