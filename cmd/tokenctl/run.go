package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/health"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/internal/operator/invoke"
	"tokenrefresh/internal/operator/loop"
	"tokenrefresh/internal/operator/metrics"
	"tokenrefresh/pkg/homes/embedded"
	"tokenrefresh/pkg/telemetry"
)

const (
	minTick = time.Second
	maxTick = time.Hour
)

// running has the flags of run.
type running struct {
	engine
	providers []catalog.Entry
	accounts  []string
	every     time.Duration
	listen    string
}

// run is the loop of a single machine.
func run(o *options) *cobra.Command {
	var r running
	cmd := &cobra.Command{
		Use:   "run [--provider P …] [--every D]",
		Short: "Keep all tokens fresh from this machine, until it is stopped",
		Long: `Run does on one machine what the functions and their schedules do on AWS: at once, and then at each tick,
it looks at the credentials and transactions of each provider and refreshes what is due. --home embedded begins
a state file where there is none. A second one beside it, or a function, does no harm.

It looks after all that the home has: accounts in the ledger, and the default one where it has credentials.
What is seeded later is seen at the next tick.

It writes a line for each account and tick to standard output, as the functions write them (--json: in JSON).
It ends with exit code 1 where a person has to mend the state file first. An interrupt, or SIGTERM, ends it when
the runs under way are done, within some seconds as a rule and a minute and a half at most; a second one ends it
at once. Whenever it dies, no token is presented twice.

It serves metrics for Prometheus at http://127.0.0.1:9402/metrics, and at /healthz whether it does its work.

$HTTP_TIMEOUT (10s), $SWEEP_WORKERS (32) and $LOG_LEVEL (info) mean what they mean to the functions.
docs/single-machine.md shows how systemd starts it.`,
		Args: cobra.NoArgs,
	}
	r.register(cmd, o)
	o.flag(cmd, "provider", "", "keep this `PROVIDER` fresh alone; may be given again (default all)", someProviders(&r.providers))
	o.accounts(cmd, &r.accounts, "also keep this `ACCOUNT` of each --provider fresh, even before it exists; may be given again")
	o.flag(cmd, "every", time.Minute, "from one tick to the next; more than a minute leaves fewer attempts",
		lasting(&r.every, fmt.Sprintf("from %s to %s", minTick, maxTick), minTick, maxTick))
	cmd.Flags().StringVar(&r.listen, "listen", metrics.DefaultAddress,
		"serve /metrics (for Prometheus) and /healthz at this `ADDRESS`; empty: nowhere")
	cmd.RunE = o.run(func(cmd *cobra.Command, _ []string) error { return r.do(cmd, o) })
	return cmd
}

func (r *running) do(cmd *cobra.Command, o *options) error {
	if len(r.accounts) > 0 && len(r.providers) == 0 {
		return fmt.Errorf("%w: --account needs a --provider", errUsage)
	}
	cfg, err := r.config()
	if err != nil {
		return err
	}
	cfg.Accounts, cfg.ScheduleRate = r.accounts, r.every
	providers := o.chosen(r.providers...)
	h, err := o.open(cmd.Context(), home.Options{Connections: cfg.SweepWorkers})
	if err != nil {
		return err
	}
	look := health.Reader{Home: h, Providers: providers, Every: cfg.ScheduleRate}.Read
	server := metrics.NewServer(look, time.Now)
	lines := slog.Handler(slog.NewTextHandler(cmd.OutOrStdout(), &slog.HandlerOptions{Level: cfg.LogLevel}))
	if o.asJSON { // as the functions write them
		lines = telemetry.NewLogger(cmd.OutOrStdout(), cfg.LogLevel).Handler()
	}
	log := slog.New(server.Runs.Observe(lines))
	ctx, end := context.WithCancel(cmd.Context())
	defer end()
	var jobs []loop.Job
	for _, provider := range providers {
		here := invoke.NewHere(provider, h, cfg, log)
		jobs = append(jobs, loop.Job{Name: provider.Name, Do: func(ctx context.Context) {
			begun(ctx, here, log, server.Runs)
			if h.Fault() != nil { // the next tick would find it as it is
				end()
			}
		}})
	}
	l := loop.Loop{Every: r.every, Jobs: jobs, Log: log}

	beyond := context.WithoutCancel(ctx)
	tell := func(state string) { // systemd, if that has started this
		if _, err := daemon.SdNotify(false, state); err != nil {
			log.WarnContext(beyond, "not told", "state", state, "error", err)
		}
	}
	watchdog, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		log.WarnContext(ctx, "no watchdog", "error", err)
	}
	if watchdog > 0 {
		l.BeatEvery = watchdog / 2 // as systemd advises
		l.Beat = func() { tell(daemon.SdNotifyWatchdog) }
	}
	log.InfoContext(ctx, "started", "home", h.Name, "providers", catalog.NamesOf(providers), "every", r.every.String())
	if err := r.serve(beyond, cmd, server, log); err != nil {
		return err
	}
	tell(daemon.SdNotifyReady)
	var ending sync.WaitGroup
	ending.Go(func() {
		<-ctx.Done()
		if err := h.Fault(); err != nil {
			log.ErrorContext(beyond, "ending: a person must act", "error", err)
		} else {
			log.InfoContext(beyond, "ending when the runs under way are done; a second signal ends at once")
		}
		tell(daemon.SdNotifyStopping)
	})
	l.Run(ctx)
	ending.Wait()
	log.InfoContext(beyond, "ended")
	return h.Fault()
}

// serve serves metrics until the process ends. An address in use is an error only if somebody has
// named it: refreshes don't need the metrics.
func (r *running) serve(ctx context.Context, cmd *cobra.Command, server *metrics.Server, log *slog.Logger) error {
	if r.listen == "" {
		return nil
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", r.listen)
	if err != nil && cmd.Flags().Changed("listen") {
		return fmt.Errorf("serve metrics: %w: name another address with --listen", err)
	}
	if err != nil {
		log.WarnContext(ctx, "no metrics are served: name another address with --listen", "error", err)
		return nil
	}
	log.InfoContext(ctx, "listening", "metrics", "http://"+listener.Addr().String()+"/metrics")
	go func() {
		if err := server.Serve(ctx, listener); err != nil {
			log.ErrorContext(ctx, "no metrics are served any more", "error", err)
		}
	}()
	return nil
}

// begun runs a provider's function, whose handler logs how it ends.
func begun(ctx context.Context, here *invoke.Here, log *slog.Logger, runs *metrics.Runs) {
	end := runs.Begin(here.Provider)
	result, err := here.Invoke(ctx, invoke.Event{})
	end(result.Outcomes)
	if err != nil {
		level := slog.LevelError
		if trouble, ok := errors.AsType[*embedded.TroubleError](err); ok && trouble.Passes() {
			level = slog.LevelWarn
		}
		log.Log(ctx, level, "the run could not begin", "provider", here.Provider, "error", err)
	}
}
