package handler

import (
	"context"
	"errors"
	"log/slog"

	"github.com/google/uuid"

	"tokenrefresh/pkg/announce"
	"tokenrefresh/pkg/brief"
	"tokenrefresh/pkg/config"
	"tokenrefresh/pkg/event"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/refresh"
	"tokenrefresh/pkg/telemetry"
)

// Refresh handles the invocations of a function that keeps chains alive. It
// implements lambda.Handler.
type Refresh struct {
	Engine *refresh.Engine
	Reporter
}

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
	return &Refresh{engine.WithDefaults(), newReporter(cfg, log)}
}

// Invoke decodes the event, runs the engine and answers with the result's JSON. The error is a
// *NeedsPersonError if the run itself failed, or if it was for a named account that needs a person.
// A run that a reader's report has begun is no such run.
func (h *Refresh) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	e, err := event.Decode(payload)
	if err != nil {
		return nil, &EventError{err}
	}
	r := newResult(h.Engine.Provider.Name(), h.NewRunID())
	results := h.Engine.Run(ctx, refresh.Request{
		RunID: r.RunID, Account: e.Account, Force: e.Force, DryRun: e.DryRun, Rejected: e.Rejected,
	})

	named := e.Account != "" && e.Rejected == ""
	var causes []error
	failed := false
	var ends []announce.End
	for _, one := range results {
		c := r.add(one)
		if e.DryRun {
			r.Credentials[len(r.Credentials)-1].Reason = one.Reason
		}
		own := one.Panicked || errors.Is(one.Err, refresh.ErrLedger)
		failed = failed || own
		if own || named && c.Outcome.NeedsPerson() {
			causes = append(causes, c.cause())
		}
		ends = append(ends, refreshEnd(r.Provider, r.RunID, c, one, h.Engine.Now()))
	}
	h.log(ctx, r, results, e.Account == "" && !failed)
	if !e.DryRun {
		h.Announce.Notify(ctx, ends)
	}
	return answer(r, causes)
}

// add puts how a run ended for a credential into the result.
func (r *Result) add(one refresh.Result) Credential {
	c := Credential{
		Account: one.Account, Outcome: one.Outcome, Source: string(one.Source),
		AccessExpiresAt: stamp(one.AccessExpiresAt), VersionID: one.VersionID, Warnings: one.Warnings,
	}
	if one.Err != nil {
		c.Error = brief.Text(one.Err.Error(), brief.MaxText)
	}
	r.Outcomes[c.Outcome]++
	r.Credentials = append(r.Credentials, c)
	return c
}

// log reports the run. complete: it has looked at all accounts.
func (h *Refresh) log(ctx context.Context, r Result, results []refresh.Result, complete bool) {
	now := h.Engine.Now()
	ends := make([]end, len(results))
	for i, one := range results {
		c := r.Credentials[i]
		ends[i] = end{
			account: c.Account, what: c.Outcome, before: one.Before, noted: one.Noted, err: c.Error, warnings: c.Warnings,
			called: one.ProviderLatency > 0 || one.Outcome.Rotates() || one.Panicked,
			lives:  now.Before(one.AccessExpiresAt), metrics: refreshMetrics(one, now),
			attrs: func() []slog.Attr { return attributes(r.RunID, c, one) },
		}
	}
	h.report(ctx, telemetry.Line{Provider: r.Provider, At: now}, ends, complete,
		slog.String("run_id", r.RunID), slog.Any("outcomes", r.Outcomes))
}

// attributes are the fields of an account's line, except its metrics.
func attributes(runID string, c Credential, one refresh.Result) []slog.Attr {
	attrs := list[slog.Attr]{slog.String("run_id", runID), slog.String("outcome", string(c.Outcome))}
	for _, text := range []slog.Attr{
		slog.String("reason", one.Reason), slog.String("attempt_id", one.AttemptID), slog.String("source", c.Source),
		slog.String("version_id", c.VersionID), slog.String("access_expires_at", c.AccessExpiresAt), slog.String("error", c.Error),
	} {
		attrs.add(text.Value.String() != "", text)
	}
	attrs.add(len(c.Warnings) > 0, slog.Any("warnings", c.Warnings))
	attrs.add(one.Failures > 0, slog.Int("consecutive_failures", one.Failures))
	return attrs
}

// Resolve does what a person decided for an account, as refresh.Engine.Resolve does, and answers as
// a run does. An error is refresh.ErrUnresolved.
func (h *Refresh) Resolve(ctx context.Context, account string, how refresh.Resolution) (Result, error) {
	r := newResult(h.Engine.Provider.Name(), h.NewRunID())
	one, err := h.Engine.Resolve(ctx, refresh.Request{RunID: r.RunID, Account: account}, how)
	if err != nil {
		return Result{}, err
	}
	r.add(one)
	return r, nil
}
