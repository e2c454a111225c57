package handler

import (
	"context"
	"log/slog"
	"time"

	"tokenrefresh/pkg/event"
	"tokenrefresh/pkg/refresh"
	"tokenrefresh/pkg/telemetry"
)

// Refresh handles the invocations of a function that keeps chains alive. It
// implements lambda.Handler.
type Refresh struct {
	Engine    *refresh.Engine
	NewRunID  func() string // unique to each run: claims are told apart by it
	Log       *slog.Logger
	Namespace string // of the metrics
}

// Invoke decodes the event, runs the engine and answers with the result's JSON. It
// is a *NeedsPersonError where a person must act or the run panicked.
func (h *Refresh) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	e, err := event.Decode(payload)
	if err != nil {
		return nil, err
	}
	r := newResult(h.Engine.Provider.Name(), h.NewRunID())
	results := h.Engine.Run(ctx, refresh.Request{RunID: r.RunID, Account: e.Account, Force: e.Force, DryRun: e.DryRun})

	var causes []error
	for _, one := range results {
		c := credential(one)
		r.Outcomes[c.Outcome]++
		r.Credentials = append(r.Credentials, c)
		if cause := c.cause(one.Panicked); cause != nil {
			causes = append(causes, cause)
		}
		h.emit(ctx, r.RunID, c, one)
	}
	return answer(r, causes)
}

func credential(one refresh.Result) Credential {
	c := Credential{
		Account: one.Account, Outcome: one.Outcome, Source: string(one.Source),
		AccessExpiresAt: stamp(one.AccessExpiresAt), VersionID: one.VersionID, Warnings: one.Warnings,
	}
	if one.Err != nil {
		c.Error = one.Err.Error()
	}
	return c
}

// emit writes the credential's line of this run. How long its tokens live is a
// metric of every run, so that an alarm can take its absence for a breach.
func (h *Refresh) emit(ctx context.Context, runID string, c Credential, one refresh.Result) {
	now := h.Engine.Now()
	metrics := []telemetry.Metric{telemetry.Count("ConsecutiveFailures", one.Failures)}
	if !one.AccessExpiresAt.IsZero() {
		metrics = append(metrics, telemetry.Seconds("AccessTokenExpiresIn", one.AccessExpiresAt.Sub(now)))
	}
	if !one.RefreshExpiresAt.IsZero() {
		metrics = append(metrics, telemetry.Seconds("RefreshTokenExpiresIn", one.RefreshExpiresAt.Sub(now)))
	}
	if one.ProviderLatency > 0 {
		metrics = append(metrics, telemetry.Seconds("ProviderLatency", one.ProviderLatency))
	}
	if one.ClockSkew.Abs() >= time.Second {
		metrics = append(metrics, telemetry.Seconds("ClockSkew", one.ClockSkew))
	}
	attrs := []slog.Attr{slog.String("run_id", runID), slog.String("outcome", string(c.Outcome))}
	for _, text := range []slog.Attr{
		slog.String("attempt_id", one.AttemptID), slog.String("source", c.Source), slog.String("version_id", c.VersionID),
		slog.String("access_expires_at", c.AccessExpiresAt), slog.String("error", c.Error),
	} {
		if text.Value.String() != "" {
			attrs = append(attrs, text)
		}
	}
	if len(c.Warnings) > 0 {
		attrs = append(attrs, slog.Any("warnings", c.Warnings))
	}
	telemetry.Emit(ctx, h.Log, h.Namespace, h.Engine.Provider.Name(), c.Account, now, metrics, attrs...)
}
