package handler

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"tokenrefresh/pkg/announce"
	"tokenrefresh/pkg/event"
	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/sweep"
	"tokenrefresh/pkg/telemetry"
)

// Sweep handles the invocations of a function that keeps transactions fresh. It
// implements lambda.Handler.
type Sweep struct {
	Engine    *sweep.Engine
	NewRunID  func() string // unique to each run: claims are told apart by it
	Log       *slog.Logger
	Namespace string         // of the metrics
	Announce  *announce.Desk // tells other systems what is news; nil: nobody
}

// Invoke decodes the event, runs the engine and answers with the result's JSON. It
// is a *NeedsPersonError where a person must act, the run panicked or a transaction
// was not recorded; for an SQS batch it never is: what to deliver again is in the
// result.
func (h *Sweep) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	e, messages, err := event.DecodeSweep(payload)
	if err != nil {
		return nil, err
	}
	r := newResult(h.Engine.Provider.Name(), h.NewRunID())
	if messages != nil {
		h.batch(ctx, &r, messages)
		return answer(r, nil)
	}
	return answer(r, h.one(ctx, &r, e))
}

// batch works off the messages of an SQS batch, each as its own event. All but rows
// that are done, superseded or dead are delivered again; what can never succeed ends
// in the queue's own dead-letter queue.
func (h *Sweep) batch(ctx context.Context, r *Result, messages []event.Message) {
	failures := []BatchItemFailure{}
	for _, m := range messages {
		item := newResult(r.Provider, r.RunID)
		err := m.Err
		if err == nil {
			_ = h.one(ctx, &item, m.Event) // listed in the result
		} else {
			h.Log.ErrorContext(ctx, "message refused", "run_id", r.RunID, "message_id", m.ID, "error", err.Error())
		}
		if err != nil || again(item.Outcomes) {
			failures = append(failures, BatchItemFailure{ItemIdentifier: m.ID})
		}
		r.count(item.Outcomes)
		r.Credentials = append(r.Credentials, item.Credentials...)
	}
	r.BatchItemFailures = &failures
}

// again reports whether a message whose rows ended like this is worth another
// delivery.
func again(outcomes map[outcome.Outcome]int) bool {
	for _, what := range []outcome.Outcome{
		outcome.Busy, outcome.Transient, outcome.RateLimited, outcome.PersistFailed, outcome.Misconfigured, outcome.NotSeeded,
	} {
		if outcomes[what] > 0 {
			return true
		}
	}
	return false
}

// one does what one event asks for and adds it to r. The errors are what a person
// must look at.
func (h *Sweep) one(ctx context.Context, r *Result, e event.Event) []error {
	if len(e.Record) > 0 {
		return h.record(ctx, r, e)
	}
	report := h.Engine.Run(ctx, sweep.Request{
		RunID: r.RunID, Account: e.Account, Force: e.Force, DryRun: e.DryRun, TransactionID: e.TransactionID,
	})
	r.count(report.Outcomes)
	var causes []error
	for _, one := range report.Credentials {
		c := Credential{Account: one.Account, Outcome: one.Outcome}
		switch {
		case one.Outcome == outcome.NotSeeded: // is no error
			c.Warnings = []string{one.Err.Error()}
		case one.Err != nil:
			c.Error = one.Err.Error()
		}
		r.Credentials = append(r.Credentials, c)
		if cause := c.cause(one.Panicked); cause != nil {
			causes = append(causes, cause)
		}
	}
	swept := e.TransactionID == 0
	ends := h.emit(ctx, r.RunID, report, swept)
	if swept && !e.DryRun {
		h.Announce.Tell(ctx, ends)
	}
	return causes
}

// record stores transactions. One that could not be stored is an error of the
// function whatever the reason, or its refresh token would be lost with the event.
func (h *Sweep) record(ctx context.Context, r *Result, e event.Event) []error {
	var causes []error
	asked := records(e)
	for i, one := range h.Engine.Record(ctx, asked) {
		r.Outcomes[one.Outcome]++
		if one.Err == nil {
			continue
		}
		h.Log.ErrorContext(ctx, "transaction not recorded",
			"run_id", r.RunID, "transaction_id", one.TransactionID, "outcome", one.Outcome, "error", one.Err)
		c := Credential{Account: asked[i].Account, Outcome: one.Outcome, Error: one.Err.Error()}
		r.Credentials = append(r.Credentials, c)
		causes = append(causes, fmt.Errorf("%s: %w", c.Outcome, one.Err))
	}
	h.Log.InfoContext(ctx, "recorded", "run_id", r.RunID, "outcomes", r.Outcomes, "errors", len(causes))
	return causes
}

// records gives each record the event's account where it names none.
func records(e event.Event) []sweep.Record {
	all := make([]sweep.Record, 0, len(e.Record))
	for _, one := range e.Record {
		account := one.Account
		if account == "" {
			account = e.Account
		}
		all = append(all, sweep.Record{
			TransactionID: one.TransactionID, Account: account, RefreshToken: one.RefreshToken, CustomerUID: one.CustomerUID,
			Status: sweep.Status(one.Status), RecordedAt: one.RecordedAt, ExpiresAt: one.ExpiresAt,
		})
	}
	return all
}

// emit writes a line for each account, and returns how the run ended for it. Metrics are
// those of sweeps alone: a run for one transaction has not seen the others.
func (h *Sweep) emit(ctx context.Context, runID string, report sweep.Report, swept bool) []announce.End {
	now := h.Engine.Now()
	var ends []announce.End
	why := map[string][]string{}
	for _, c := range report.Credentials {
		if c.Outcome != outcome.NotSeeded {
			why[c.Account] = append(why[c.Account], fmt.Sprintf("%s: %v", c.Outcome, c.Err))
		}
	}
	for _, a := range report.Accounts {
		attrs := []slog.Attr{slog.String("run_id", runID), slog.Any("outcomes", a.Outcomes)}
		if a.Backlog > 0 {
			attrs = append(attrs, slog.Int("backlog", a.Backlog), slog.String("oldest_due", stamp(a.OldestDue)))
		}
		if texts := why[a.Account]; len(texts) > 0 {
			attrs = append(attrs, slog.String("error", strings.Join(texts, "; ")))
		}
		if len(a.Warnings) > 0 {
			attrs = append(attrs, slog.Any("warnings", a.Warnings))
		}
		var metrics []telemetry.Metric
		if swept {
			metrics = sweepMetrics(a, now)
		}
		if a.Failures > 0 {
			attrs = append(attrs, slog.Int("consecutive_failures", a.Failures))
		}
		telemetry.Line{
			Namespace: h.Namespace, Provider: h.Engine.Provider.Name(), Account: a.Account, Detailed: len(report.Accounts) > 1,
			At: now, Metrics: metrics,
		}.Emit(ctx, h.Log, attrs...)
		ends = append(ends, sweepEnd(h.Engine.Provider.Name(), runID, a, why[a.Account], now))
	}
	return ends
}
