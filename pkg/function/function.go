// Package function builds the parts of a deployed function from its environment and starts the
// Lambda runtime. Each function's main names its provider; the rest is the same for all of them,
// and is here.
package function

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime/debug"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"

	"tokenrefresh/pkg/announce"
	"tokenrefresh/pkg/config"
	"tokenrefresh/pkg/handler"
	"tokenrefresh/pkg/homes/awshome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/refresh"
	"tokenrefresh/pkg/store"
	"tokenrefresh/pkg/sweep"
	"tokenrefresh/pkg/telemetry"
)

const (
	// connections is how many there may be to an AWS service: enough for its quota at 20 ms a call.
	// Each costs a small function a handshake.
	connections = 16
	// writeRate is how many writes a second Secrets Manager takes in an AWS account and region.
	writeRate = 50
	// maxFrugal is how many workers a sweep may have so that it still waits more than it computes,
	// and the template's GOGC can save memory. With more, it is short of processor time.
	maxFrugal = 64
	// generous is the GOGC for more workers.
	generous = 400
)

// surroundings are where a function is built: in Lambda, or on a rehearsal's network.
type surroundings struct {
	getenv func(string) string
	dial   func(ctx context.Context, network, address string) (net.Conn, error) // nil: the network
	log    io.Writer
}

// parts are a function that is built.
type parts struct {
	handler  lambda.Handler
	cfg      config.Config
	clients  *awshome.Clients
	provider providers.Provider
}

// StartRefresh runs the function that keeps a provider's chains alive. newProvider
// makes its client, for the environment (production or sandbox) that picks its
// default address. It does not return.
func StartRefresh[P providers.Provider](newProvider func(client *exchange.Client, environment string) P) {
	start(func(at surroundings) (parts, error) { return buildRefresh(at, newProvider) }, oneThread)
}

// StartSweep runs the function that keeps a provider's transactions fresh. newQueue makes the
// client of the queue at that address; the other functions don't carry one.
func StartSweep[P providers.Provider, Q sweep.Queue](
	newProvider func(client *exchange.Client, environment string) P, newQueue func(cfg aws.Config, address string) Q,
) {
	start(func(at surroundings) (parts, error) { return buildSweep(at, newProvider, newQueue) }, func() {})
}

// start builds a function, warms it up and waits for events. settle is called before the first
// of them.
func start(build func(surroundings) (parts, error), settle func()) {
	p, err := build(surroundings{getenv: os.Getenv, log: os.Stdout})
	if err != nil {
		lambda.Start(refuser{err, telemetry.NewLogger(os.Stdout, slog.LevelInfo)})
	}
	p.warmUp(build)
	settle()
	lambda.Start(p.handler)
}

func buildRefresh[P providers.Provider](at surroundings, newProvider func(*exchange.Client, string) P) (parts, error) {
	cfg, err := config.ForRefresh(at.getenv)
	clients, err := at.connect(err, connections)
	if err != nil {
		return parts{}, err
	}
	log := telemetry.NewLogger(at.log, cfg.LogLevel)
	provider := newProvider(at.exchange(cfg), cfg.ProviderEnvironment)
	h := handler.NewRefresh(refresh.Engine{
		Provider:  provider,
		Secrets:   clients.Secrets(cfg.SecretPrefix),
		Ledger:    clients.Ledger(cfg.LedgerTable),
		WriteRate: writeRate,
	}, cfg, log)
	h.Announce = newNotifier(clients, cfg, log)
	return parts{h, cfg, clients, provider}, nil
}

func buildSweep[P providers.Provider, Q sweep.Queue](
	at surroundings, newProvider func(*exchange.Client, string) P, newQueue func(aws.Config, string) Q,
) (parts, error) {
	cfg, err := config.ForSweep(at.getenv)
	if cfg.SweepWorkers > maxFrugal {
		debug.SetGCPercent(generous)
	}
	// A worker waits for the provider or for its row, one at a time. Beside them one call
	// reads rows ahead, and as at the beginning each shard may have one under way.
	clients, err := at.connect(err, max(cfg.SweepWorkers, store.Shards)+1)
	if err != nil {
		return parts{}, err
	}
	log := telemetry.NewLogger(at.log, cfg.LogLevel)
	provider := newProvider(at.exchange(cfg), cfg.ProviderEnvironment)
	engine := sweep.Engine{
		Provider:     provider,
		Secrets:      clients.Secrets(cfg.SecretPrefix),
		Ledger:       clients.Ledger(cfg.LedgerTable),
		Transactions: clients.Transactions(cfg.TransactionsTable),
	}
	if cfg.SweepQueueURL != "" {
		engine.Queue = newQueue(clients.SQS, cfg.SweepQueueURL)
	}
	h := handler.NewSweep(engine, cfg, log)
	h.Announce = newNotifier(clients, cfg, log)
	return parts{h, cfg, clients, provider}, nil
}

// connect makes the AWS clients. Its error lists all mistakes in the environment, earlier ones
// included.
func (at surroundings) connect(mistakes error, connections int) (*awshome.Clients, error) {
	clients, err := awshome.FromEnvironment(at.getenv, awshome.Tuning{ConnectionsPerHost: connections, Dial: at.dial})
	if err := errors.Join(mistakes, err); err != nil {
		return nil, EnvironmentError{err}
	}
	return clients, nil
}

// newNotifier makes the notifier for the event bus; nil if there is none.
func newNotifier(clients *awshome.Clients, cfg config.Config, log *slog.Logger) *announce.Notifier {
	if cfg.EventBus == "" {
		return nil
	}
	ledger := clients.Ledger(cfg.LedgerTable)
	return &announce.Notifier{
		Bus: clients.EventBridge.Bus(cfg.EventBus), Log: log,
		Mark: func(ctx context.Context, provider, account, told string) error {
			return ledger.SetTold(ctx, store.Key{Provider: provider, Account: account}, told)
		},
	}
}

// exchange makes the provider's HTTP client. Lines that net/http writes to the standard logger
// could show a part of an answer.
func (at surroundings) exchange(cfg config.Config) *exchange.Client {
	telemetry.GuardStandardLog(os.Stderr)
	return exchange.New(exchange.Options{Timeout: cfg.HTTPTimeout, Dial: at.dial})
}
