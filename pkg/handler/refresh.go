package handler

import (
	"context"
	"log/slog"

	"tokenrefresh/pkg/announce"
	"tokenrefresh/pkg/brief"
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
	Namespace string         // of the metrics
	Announce  *announce.Desk // tells other systems what is news; nil: nobody
}

// Invoke decodes the event, runs the engine and answers with the result's JSON. It
// is a *NeedsPersonError where a person must act or the run panicked.
func (h *Refresh) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	e, err := event.Decode(payload)
	if err != nil {
		return nil, err
	}
	r := newResult(h.Engine.Provider.Name(), h.NewRunID())
	results := h.Engine.Run(ctx, refresh.Request{
		RunID: r.RunID, Account: e.Account, Force: e.Force, DryRun: e.DryRun, Rejected: e.Rejected,
	})

	var causes []error
	var ends []announce.End
	for _, one := range results {
		c := r.add(one)
		if cause := c.cause(one.Panicked); cause != nil {
			causes = append(causes, cause)
		}
		h.emit(ctx, r.RunID, c, one, len(results))
		ends = append(ends, refreshEnd(r.Provider, r.RunID, c, one, h.Engine.Now()))
	}
	if !e.DryRun {
		h.Announce.Tell(ctx, ends)
	}
	return answer(r, causes)
}

// add puts how a run ended for a credential into the result.
func (r *Result) add(one refresh.Result) Credential {
	c := credential(one)
	r.Outcomes[c.Outcome]++
	r.Credentials = append(r.Credentials, c)
	return c
}

func credential(one refresh.Result) Credential {
	c := Credential{
		Account: one.Account, Outcome: one.Outcome, Source: string(one.Source),
		AccessExpiresAt: stamp(one.AccessExpiresAt), VersionID: one.VersionID, Warnings: one.Warnings,
	}
	if one.Err != nil {
		c.Error = brief.Text(one.Err.Error(), brief.TextMost)
	}
	return c
}

// emit writes the credential's line of this run, as one of so many.
func (h *Refresh) emit(ctx context.Context, runID string, c Credential, one refresh.Result, of int) {
	now := h.Engine.Now()
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
	if one.Failures > 0 {
		attrs = append(attrs, slog.Int("consecutive_failures", one.Failures))
	}
	telemetry.Line{
		Namespace: h.Namespace, Provider: h.Engine.Provider.Name(), Account: c.Account, Detailed: of > 1,
		At: now, Level: level(c.Outcome), Metrics: refreshMetrics(one, now),
	}.Emit(ctx, h.Log, attrs...)
}
