package handler

import (
	"log/slog"

	"github.com/google/uuid"

	"tokenrefresh/pkg/config"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/refresh"
	"tokenrefresh/pkg/sweep"
)

// NewRefresh makes a handler from cfg. engine brings the provider, its stores and how many
// credentials it works on at once.
func NewRefresh(engine refresh.Engine, cfg config.Config, log *slog.Logger) *Refresh {
	engine.Accounts = cfg.Accounts
	engine.NewID = uuid.NewString
	engine.SendTimeout = cfg.HTTPTimeout
	if p, ok := engine.Provider.(providers.Described); ok {
		engine.SendTimeout = max(engine.SendTimeout, p.Patience())
	}
	engine.Tick = cfg.ScheduleRate
	engine.Log = log
	return &Refresh{Engine: engine.WithDefaults(), Reporter: newReporter(cfg, log)}
}

// NewSweep makes a handler from cfg. engine brings the provider, its stores and the queue, if there
// is one.
func NewSweep(engine sweep.Engine, cfg config.Config, log *slog.Logger) *Sweep {
	engine.Accounts = cfg.Accounts
	engine.SendTimeout = cfg.HTTPTimeout
	engine.Workers = cfg.SweepWorkers
	engine.HandOverAbove = cfg.HandOverAbove
	engine.Tick = cfg.ScheduleRate
	engine.Log = log
	return &Sweep{Engine: engine.WithDefaults(), Reporter: newReporter(cfg, log)}
}

func newReporter(cfg config.Config, log *slog.Logger) Reporter {
	return Reporter{NewRunID: uuid.NewString, Log: log, Namespace: cfg.MetricsNamespace, AccountMetrics: cfg.AccountMetrics}
}
