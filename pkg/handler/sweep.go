package handler

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"tokenrefresh/pkg/announce"
	"tokenrefresh/pkg/brief"
	"tokenrefresh/pkg/config"
	"tokenrefresh/pkg/event"
	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/store"
	"tokenrefresh/pkg/sweep"
	"tokenrefresh/pkg/telemetry"
)

// Sweep handles the invocations of a function that keeps transactions fresh. It
// implements lambda.Handler.
type Sweep struct {
	Engine *sweep.Engine
	Reporter
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
	return &Sweep{engine.WithDefaults(), newReporter(cfg, log)}
}

// Invoke decodes the event, runs the engine and answers with the result's JSON. The error is a
// *NeedsPersonError if the run itself failed, if a transaction was not recorded, or if the run was
// for a named account or transaction that needs a person. An SQS batch never returns an error: the
// result names the messages to deliver again.
func (h *Sweep) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	e, messages, err := event.DecodeSweep(payload)
	if err != nil {
		return nil, &EventError{err}
	}
	r := newResult(h.Engine.Provider.Name(), h.NewRunID())
	if messages != nil {
		h.batch(ctx, &r, messages)
		return answer(r, nil)
	}
	return answer(r, h.one(ctx, &r, e))
}

// batch processes the messages of an SQS batch, each as its own event, and lists of transactions
// together. Messages are delivered again unless their rows are done, superseded or dead; one that
// can never succeed ends in the queue's own dead-letter queue.
func (h *Sweep) batch(ctx context.Context, r *Result, messages []event.Message) {
	failures := []BatchItemFailure{}
	failed := func(m event.Message) { failures = append(failures, BatchItemFailure{ItemIdentifier: m.ID}) }
	var lists []event.Message
	for _, m := range messages {
		if m.Err != nil {
			h.Log.ErrorContext(ctx, "message refused", "run_id", r.RunID, "message_id", m.ID, "error", m.Err.Error())
			failed(m)
			continue
		}
		if len(m.Event.TransactionIDs) > 0 {
			lists = append(lists, m) // after the records, which are nowhere else
			continue
		}
		item := newResult(r.Provider, r.RunID)
		_ = h.one(ctx, &item, m.Event) // listed in the result
		if again(item.Outcomes) {
			failed(m)
		}
		r.count(item.Outcomes)
		r.Credentials = append(r.Credentials, item.Credentials...)
	}
	for _, m := range h.lists(ctx, r, lists) {
		failed(m)
	}
	r.BatchItemFailures = &failures
}

// lists processes the messages that list transactions, all of an account in one run: that keeps
// every worker busy, and stops for all of them. It returns the messages to deliver again: those of
// a run that panicked. Any other row that the run has left is still due in the index, and the next
// sweep finds it. Delivering its message again would only double what that sweep hands over.
func (h *Sweep) lists(ctx context.Context, r *Result, messages []event.Message) (failed []event.Message) {
	for len(messages) > 0 {
		e := event.Event{Account: messages[0].Event.Account}
		var same, others []event.Message
		for _, m := range messages {
			if m.Event.Account != e.Account {
				others = append(others, m)
				continue
			}
			same = append(same, m)
			e.TransactionIDs = append(e.TransactionIDs, m.Event.TransactionIDs...)
		}
		if report, _ := h.run(ctx, r, e); slices.ContainsFunc(report.Credentials, func(one sweep.Result) bool { return one.Panicked }) {
			failed = append(failed, same...)
		}
		messages = others
	}
	return failed
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

// one does what one event asks for and adds it to r. The errors need a person.
func (h *Sweep) one(ctx context.Context, r *Result, e event.Event) []error {
	if len(e.Record) > 0 {
		return h.record(ctx, r, e)
	}
	_, causes := h.run(ctx, r, e)
	return causes
}

// run sweeps, or works on the transactions that the event names.
func (h *Sweep) run(ctx context.Context, r *Result, e event.Event) (report sweep.Report, causes []error) {
	report = h.Engine.Run(ctx, sweep.Request{
		RunID: r.RunID, Account: e.Account, Force: e.Force, DryRun: e.DryRun,
		TransactionID: e.TransactionID, TransactionIDs: e.TransactionIDs,
	})
	r.count(report.Outcomes)
	if report.Err != nil {
		causes = append(causes, report.Err)
	}
	named := e.Account != "" || e.TransactionID != 0 || len(e.TransactionIDs) > 0
	for _, one := range report.Credentials {
		c := Credential{Account: one.Account, Outcome: one.Outcome}
		switch {
		case one.Outcome == outcome.NotSeeded: // is no error
			c.Warnings = []string{one.Err.Error()}
		case one.Err != nil:
			c.Error = brief.Text(one.Err.Error(), brief.MaxText)
		}
		r.Credentials = append(r.Credentials, c)
		if one.Panicked || named && c.Outcome.NeedsPerson() {
			causes = append(causes, c.cause())
		}
	}
	for _, a := range report.Accounts {
		for _, text := range a.Warnings { // of a named transaction that has no account, too
			r.Warnings = append(r.Warnings, strings.TrimPrefix(a.Account+": "+text, ": "))
		}
	}
	swept := e.TransactionID == 0 && len(e.TransactionIDs) == 0
	ends := h.log(ctx, *r, report, swept, swept && e.Account == "")
	if swept && !e.DryRun {
		h.Announce.Notify(ctx, ends)
	}
	return report, causes
}

// record stores transactions. If one could not be stored, whatever the reason, the function fails:
// otherwise its refresh token would be lost with the event.
func (h *Sweep) record(ctx context.Context, r *Result, e event.Event) []error {
	var causes []error
	asked := records(e, h.Engine.Now())
	for i, one := range h.Engine.Record(ctx, asked) {
		r.Outcomes[one.Outcome]++
		if one.Err == nil {
			continue
		}
		h.Log.ErrorContext(ctx, "transaction not recorded",
			"run_id", r.RunID, "transaction_id", one.TransactionID, "outcome", one.Outcome, "error", one.Err)
		if len(causes) < brief.Causes { // a batch may have ten thousand
			text := brief.Text(one.Err.Error(), brief.MaxText)
			r.Credentials = append(r.Credentials, Credential{Account: asked[i].Account, Outcome: one.Outcome, Error: text})
		}
		causes = append(causes, fmt.Errorf("%s: %w", one.Outcome, one.Err))
	}
	h.Log.InfoContext(ctx, "recorded", "run_id", r.RunID, "outcomes", r.Outcomes, "errors", len(causes))
	return causes
}

// records gives each record without an account the event's. now bounds its time.
func records(e event.Event, now time.Time) []sweep.Record {
	all := make([]sweep.Record, 0, len(e.Record))
	for _, one := range e.Record {
		one = one.At(now)
		account := one.Account
		if account == "" {
			account = e.Account
		}
		all = append(all, sweep.Record{
			TransactionID: one.TransactionID, Account: account, RefreshToken: one.RefreshToken, CustomerUID: one.CustomerUID,
			Status: store.Status(one.Status), RecordedAt: one.RecordedAt, ExpiresAt: one.ExpiresAt,
		})
	}
	return all
}

// log reports the run, and returns how it ended for each account. Only sweeps have metrics: a run for
// named transactions has not seen the others. complete: the run has looked at all accounts.
func (h *Sweep) log(ctx context.Context, r Result, report sweep.Report, swept, complete bool) []announce.End {
	now := h.Engine.Now()
	why := map[string][]string{}
	for _, c := range report.Credentials {
		if c.Outcome != outcome.NotSeeded {
			text := brief.Text(fmt.Sprint(c.Err), brief.MaxText)
			why[c.Account] = append(why[c.Account], fmt.Sprintf("%s: %s", c.Outcome, text))
		}
	}
	var ends []end
	var news []announce.End
	sum := sweep.Account{Outcomes: report.Outcomes}
	blind := report.Err != nil
	for _, a := range report.Accounts {
		text := strings.Join(why[a.Account], "; ")
		metrics := deathMetrics(a)
		if swept {
			metrics = sweepMetrics(a, now)
		}
		ends = append(ends, end{
			account: a.Account, what: verdict(a.Outcomes), before: standing(a.Before), noted: standing(a.Noted),
			err: text, warnings: a.Warnings, called: a.ProviderLatency > 0, lives: now.Before(a.NextExpiry), metrics: metrics,
			attrs: func() []slog.Attr { return sweepAttributes(r.RunID, a, text) },
		})
		news = append(news, sweepEnd(r.Provider, r.RunID, a, why[a.Account], now))
		blind = blind || a.Blind
		sum.Backlog += a.Backlog
		sum.HandedOver += a.HandedOver
		if sum.OldestDue.IsZero() || !a.OldestDue.IsZero() && a.OldestDue.Before(sum.OldestDue) {
			sum.OldestDue = a.OldestDue
		}
	}
	h.report(ctx, telemetry.Line{Provider: r.Provider, At: now}, ends, complete && !blind, sweepAttributes(r.RunID, sum, "")...)
	return news
}

// sweepAttributes are the fields of a sweep's line, except its metrics.
func sweepAttributes(runID string, a sweep.Account, text string) []slog.Attr {
	attrs := list[slog.Attr]{slog.String("run_id", runID), slog.Any("outcomes", a.Outcomes)}
	attrs.add(a.Backlog > 0, slog.Int("backlog", a.Backlog))
	attrs.add(!a.OldestDue.IsZero(), slog.String("oldest_due", stamp(a.OldestDue)))
	attrs.add(a.HandedOver > 0, slog.Int("handed_over", a.HandedOver))
	attrs.add(text != "", slog.String("error", text))
	attrs.add(len(a.Warnings) > 0, slog.Any("warnings", a.Warnings))
	attrs.add(a.Failures > 0, slog.Int("consecutive_failures", a.Failures))
	return attrs
}
