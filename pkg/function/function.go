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
	provider providers.Described
	log      *slog.Logger
}

// newProvider makes a provider's client, for the environment (production or sandbox) that picks its
// default address.
type newProvider = func(web *exchange.Client, environment string) providers.Described

// StartRefresh runs the function that keeps a provider's chains alive. It does not return.
func StartRefresh(provider newProvider) {
	start(func(at surroundings) (parts, error) { return buildRefresh(at, provider) }, oneThread)
}

// StartSweep runs the function that keeps a provider's transactions fresh. newQueue makes the
// client of the queue at that address; the other functions don't carry one.
func StartSweep[Q sweep.Queue](provider newProvider, newQueue func(cfg aws.Config, address string) Q) {
	start(func(at surroundings) (parts, error) { return buildSweep(at, provider, newQueue) }, func() {})
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

func buildRefresh(at surroundings, provider newProvider) (parts, error) {
	cfg, err := config.ForRefresh(at.getenv)
	p, err := at.build(cfg, err, connections, provider)
	if err != nil {
		return parts{}, err
	}
	h := handler.NewRefresh(refresh.Engine{
		Provider:  p.provider,
		Secrets:   p.clients.Secrets(cfg.SecretPrefix),
		Ledger:    p.clients.Ledger(cfg.LedgerTable),
		WriteRate: writeRate,
	}, cfg, p.log)
	h.Announce = p.notifier()
	p.handler = h
	return p, nil
}

func buildSweep[Q sweep.Queue](at surroundings, provider newProvider, newQueue func(aws.Config, string) Q) (parts, error) {
	cfg, err := config.ForSweep(at.getenv)
	if cfg.SweepWorkers > maxFrugal {
		debug.SetGCPercent(generous)
	}
	// A worker waits for the provider or for its row, one at a time. Beside them one call
	// reads rows ahead, and as at the beginning each shard may have one under way.
	p, err := at.build(cfg, err, max(cfg.SweepWorkers, store.Shards)+1, provider)
	if err != nil {
		return parts{}, err
	}
	engine := sweep.Engine{
		Provider:     p.provider,
		Secrets:      p.clients.Secrets(cfg.SecretPrefix),
		Ledger:       p.clients.Ledger(cfg.LedgerTable),
		Transactions: p.clients.Transactions(cfg.TransactionsTable),
	}
	if cfg.SweepQueueURL != "" {
		engine.Queue = newQueue(p.clients.SQS, cfg.SweepQueueURL)
	}
	h := handler.NewSweep(engine, cfg, p.log)
	h.Announce = p.notifier()
	p.handler = h
	return p, nil
}

// build makes what all functions have, except the handler. Its error lists all mistakes in the
// environment, earlier ones included.
func (at surroundings) build(cfg config.Config, mistakes error, connections int, provider newProvider) (parts, error) {
	clients, err := awshome.FromEnvironment(at.getenv, awshome.Tuning{ConnectionsPerHost: connections, Dial: at.dial})
	if err := errors.Join(mistakes, err); err != nil {
		return parts{}, EnvironmentError{err}
	}
	// Lines that net/http writes to the standard logger could show a part of an answer of AWS's.
	telemetry.GuardStandardLog(os.Stderr)
	web := exchange.New(exchange.Options{Timeout: cfg.HTTPTimeout, Dial: at.dial})
	return parts{
		cfg: cfg, clients: clients, provider: provider(web, cfg.ProviderEnvironment), log: telemetry.NewLogger(at.log, cfg.LogLevel),
	}, nil
}

// notifier sends to the event bus; nil if there is none.
func (p parts) notifier() *announce.Notifier {
	if p.cfg.EventBus == "" {
		return nil
	}
	ledger := p.clients.Ledger(p.cfg.LedgerTable)
	return &announce.Notifier{
		Bus: p.clients.EventBridge.Bus(p.cfg.EventBus), Log: p.log,
		Mark: func(ctx context.Context, provider, account, told string) error {
			return ledger.SetTold(ctx, store.Key{Provider: provider, Account: account}, told)
		},
	}
}

// EnvironmentError lists all mistakes in a function's environment. The caller of the
// function sees its name as the error's type.
type EnvironmentError struct{ Mistakes error }

// Error implements error.
func (e EnvironmentError) Error() string {
	return "the environment of this function is wrong, nothing was done:\n" + e.Mistakes.Error()
}

// Unwrap returns the mistakes.
func (e EnvironmentError) Unwrap() error { return e.Mistakes }

// refuser answers each invocation of a function that cannot work. A process that ends
// instead tells its caller nothing, and Lambda starts it again each time.
type refuser struct {
	err error
	log *slog.Logger
}

// Invoke implements lambda.Handler.
func (r refuser) Invoke(ctx context.Context, _ []byte) ([]byte, error) {
	r.log.ErrorContext(ctx, "the environment is wrong", "error", r.err.Error())
	return nil, r.err
}
