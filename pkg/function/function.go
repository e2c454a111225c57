// Package function builds the parts of a deployed function from its environment
// and starts the Lambda runtime. Each function's main names its provider; all else
// is the same for all of them and stands here.
package function

import (
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/google/uuid"

	"tokenrefresh/pkg/config"
	"tokenrefresh/pkg/handler"
	"tokenrefresh/pkg/homes/awshome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/refresh"
	"tokenrefresh/pkg/sweep"
	"tokenrefresh/pkg/telemetry"
)

// NewProvider makes a provider's client over the shared exchange, for the
// environment (production or sandbox) that picks its default address.
type NewProvider func(client *exchange.Client, environment string) providers.Provider

// refreshConnections is how many idle connections to its provider a function that
// refreshes chains keeps: a run's credentials are worked on in parallel.
const refreshConnections = 8

// StartRefresh runs the function that keeps a provider's chains alive. It does not
// return.
func StartRefresh(newProvider NewProvider) {
	cfg, err := config.ForRefresh(os.Getenv)
	clients := connect(err, awshome.Tuning{})
	log := telemetry.NewLogger(os.Stdout, cfg.LogLevel)
	client := newExchange(cfg, refreshConnections)
	lambda.Start(&handler.Refresh{
		Engine: refresh.Engine{
			Provider:    newProvider(client, cfg.ProviderEnvironment),
			Secrets:     clients.Secrets(cfg.SecretPrefix),
			Ledger:      clients.Ledger(cfg.LedgerTable),
			Accounts:    cfg.Accounts,
			NewID:       uuid.NewString,
			SendTimeout: cfg.HTTPTimeout,
			Log:         log,
		}.WithDefaults(),
		NewRunID:  uuid.NewString,
		Log:       log,
		Namespace: cfg.MetricsNamespace,
	})
}

// StartSweep runs the function that keeps a provider's transactions fresh. It does
// not return.
func StartSweep(newProvider NewProvider) {
	cfg, err := config.ForSweep(os.Getenv)
	// A worker at a time waits for the provider, or for its row.
	clients := connect(err, awshome.Tuning{ConnectionsPerHost: cfg.SweepWorkers})
	log := telemetry.NewLogger(os.Stdout, cfg.LogLevel)
	client := newExchange(cfg, cfg.SweepWorkers)
	lambda.Start(&handler.Sweep{
		Engine: sweep.Engine{
			Provider:     newProvider(client, cfg.ProviderEnvironment),
			Secrets:      clients.Secrets(cfg.SecretPrefix),
			Ledger:       clients.Ledger(cfg.LedgerTable),
			Transactions: clients.Transactions(cfg.TransactionsTable),
			Accounts:     cfg.Accounts,
			SendTimeout:  cfg.HTTPTimeout,
			Workers:      cfg.SweepWorkers,
			Log:          log,
		}.WithDefaults(),
		NewRunID:  uuid.NewString,
		Log:       log,
		Namespace: cfg.MetricsNamespace,
	})
}

// connect makes the AWS clients, or ends the process with everything that is wrong
// with the environment in one line.
func connect(mistakes error, tuning awshome.Tuning) *awshome.Clients {
	clients, err := awshome.FromEnvironment(os.Getenv, tuning)
	if err := errors.Join(mistakes, err); err != nil {
		telemetry.NewLogger(os.Stdout, slog.LevelInfo).Error("the environment is wrong", "error", err.Error())
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return clients
}

func newExchange(cfg config.Config, connections int) *exchange.Client {
	return exchange.New(exchange.Options{Timeout: cfg.HTTPTimeout, UserAgent: userAgent, IdleConnsPerHost: connections})
}

// userAgent names the caller to the providers' operators.
const userAgent = "token-refresh/1.0"
