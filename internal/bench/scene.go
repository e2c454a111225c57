package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"strconv"
	"time"

	"tokenrefresh/internal/bench/awsfake"
	"tokenrefresh/internal/bench/endpoint"
	"tokenrefresh/internal/bench/transactions"
	"tokenrefresh/internal/bench/wire"
)

// sweeper is the function that sweeps.
const sweeper = "refresh-berbix"

// stage is what all sweeps have in common.
type stage struct {
	ca             *endpoint.Authority
	bundle, binary string
	settings       map[string]string // the template's
	timeout        time.Duration     // of the function
	provider, aws  time.Duration     // how long a call takes
}

func newStage(ctx context.Context, dir string, provider, aws time.Duration) (*stage, error) {
	st := &stage{bundle: filepath.Join(dir, "roots.pem"), provider: provider, aws: aws}
	var err error
	if st.ca, err = endpoint.NewAuthority(); err != nil {
		return nil, err
	}
	if err := trust(st.bundle, st.ca); err != nil {
		return nil, err
	}
	if st.settings, err = templateEnv("template.yaml", "RefreshBerbix"); err != nil {
		return nil, err
	}
	if st.timeout, err = templateTimeout("template.yaml"); err != nil {
		return nil, err
	}
	st.binary, err = build(ctx, dir, "functions/"+sweeper, "")
	return st, err
}

// sweepConnections are those that a sweep has opened.
type sweepConnections struct {
	Provider       int `json:"provider"`
	DynamoDB       int `json:"dynamodb"`
	SecretsManager int `json:"secrets_manager"`
}

// scene is what one sweep finds: rows of which some are due, and the services.
type scene struct {
	env                map[string]string
	workers            int
	rows               *transactions.Rows
	provider, dynamoDB *wire.Server
	secretsManager     *endpoint.Endpoint
}

func (st *stage) scene(ctx context.Context, total, due, workers int) (*scene, error) {
	s := &scene{workers: workers, rows: transactions.NewRows(total, due)}
	options := wire.Options{Certificate: st.ca.Certificate(), ContentType: "application/json", Latency: st.provider}
	var err error
	if s.provider, err = wire.Start(ctx, options, transactions.NewProvider(s.rows)); err != nil {
		return nil, err
	}
	options.ContentType, options.Latency = "application/x-amz-json-1.0", st.aws
	if s.dynamoDB, err = wire.Start(ctx, options, transactions.NewDynamoDB(s.rows)); err != nil {
		return nil, err
	}
	const credentials = prefix + "/berbix/" + transactions.Account + "/credentials"
	secrets := awsfake.NewSecrets(credentials)
	secrets.Set(credentials, fmt.Sprintf(`{"api_secret":%q,"base_url":%q}`, transactions.APISecret, s.provider.URL()))
	if s.secretsManager, err = endpoint.Start(ctx, st.ca, "Secrets Manager", secrets); err != nil {
		return nil, err
	}
	s.secretsManager.SetLatency(st.aws)
	s.env = maps.Clone(st.settings)
	maps.Copy(s.env, map[string]string{
		"AWS_ENDPOINT_URL_SECRETS_MANAGER": s.secretsManager.URL(),
		"AWS_ENDPOINT_URL_DYNAMODB":        s.dynamoDB.URL(),
		"SECRET_PREFIX":                    prefix,
		"LEDGER_TABLE":                     transactions.Ledger,
		"TRANSACTIONS_TABLE":               transactions.Table,
		"ACCOUNTS":                         transactions.Account,
		"PROVIDER_ENVIRONMENT":             "sandbox",
		"LOG_LEVEL":                        "info",
		"SSL_CERT_FILE":                    st.bundle,
		"SWEEP_WORKERS":                    strconv.Itoa(workers),
	})
	return s, nil
}

// seen is what the services can tell of a sweep.
func (s *scene) seen() sweep {
	provider, dynamo := s.provider.Stats(), s.dynamoDB.Stats()
	out := sweep{
		workers: s.workers,
		calls:   map[string]int{},
		connections: sweepConnections{
			Provider: provider.Connections, DynamoDB: dynamo.Connections, SecretsManager: s.secretsManager.Connections(),
		},
		secretsCalls: len(s.secretsManager.TakeCalls()),
		units:        s.rows.Units(),
		provider:     provider.Ops[transactions.Refreshed].Mean(),
		update:       dynamo.Ops[transactions.UpdateItem].Mean(),
	}
	for name, op := range dynamo.Ops {
		out.calls[name] = op.Calls
	}
	out.working = dynamo.Ops[transactions.UpdateItem].Last.Sub(dynamo.Ops[transactions.BatchGetItem].First)
	return out
}

// close ends the services; the error is a request that one of them did not understand.
func (s *scene) close() error {
	s.secretsManager.Close()
	return errors.Join(s.provider.Close(), s.dynamoDB.Close())
}
