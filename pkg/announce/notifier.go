package announce

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/pace"
)

const (
	// patience is the longest that a run waits for the bus. An event is not worth a refresh.
	patience = 2 * time.Second
	// reserve is left of a run's time for its answer.
	reserve = 500 * time.Millisecond
	// maxSingle is how many accounts of a run have a notice each; more are one digest.
	maxSingle = 10
	// maxDigest is how many accounts a digest names. The others are in the next run's.
	maxDigest = 500
	// marksAtOnce is how many rows are marked at the same time.
	marksAtOnce = 8
)

// End is how a run ended for one account: an event without a type.
type End struct {
	Event
	// Trouble is what a person must hear of now, and Told is the last trouble that the ledger has
	// noted as notified; empty: none.
	Trouble, Told string
	// Noted is the last outcome in the ledger; empty: none, or unknown.
	Noted outcome.Outcome
}

// Notifier puts news on a bus. It is safe for concurrent use.
type Notifier struct {
	Bus Bus
	// Mark notes in the ledger the trouble of an account that a person was notified of.
	Mark func(ctx context.Context, provider, account, told string) error
	Log  *slog.Logger
}

// Notify puts what is news of these ends on the bus. Once the bus has taken a notice for a person,
// it marks the account; the next run sends a notice that was not marked again. It waits two seconds
// for the bus at most, less if ctx ends sooner. Failures are only logged. A nil Notifier does
// nothing.
func (n *Notifier) Notify(ctx context.Context, ends []End) {
	if n == nil {
		return
	}
	var failed, recovered []End
	var others []Event
	for _, e := range ends {
		others = append(others, e.forAutomation()...)
		switch {
		case e.Trouble != "" && e.Trouble != e.Told:
			e.Type = Failed
			failed = append(failed, e)
		case e.Trouble == "" && e.Told != "" && e.well():
			e.Type = Recovered
			recovered = append(recovered, e)
		}
	}
	n.send(ctx, failed)
	n.put(ctx, others)
	n.send(ctx, recovered)
}

// forAutomation returns the events of an end that programs use. A sweep refreshes too many
// transactions for an event each.
func (e End) forAutomation() []Event {
	event, swept := e.Event, e.Outcomes != nil
	switch {
	case swept && e.Outcomes[outcome.Dead] > 0: // no transaction dies twice
		event.Type, event.Outcome = Failed, outcome.Dead
	case !swept && e.Outcome.Rotates():
		event.Type = Rotated
	default:
		return nil
	}
	return []Event{event}
}

// well reports whether the account has tokens that a run has brought, or still has.
func (e End) well() bool {
	last := e.Outcome
	if last.Silent() {
		last = e.Noted
	}
	return last.Rotates() || last == outcome.Superseded
}

// send puts notices for a person, troubles or their ends, on the bus and marks them in the ledger.
func (n *Notifier) send(ctx context.Context, notices []End) {
	notices = notices[:min(len(notices), maxDigest)]
	if len(notices) == 0 || !n.put(ctx, digest(notices)) {
		return
	}
	ctx, cancel := within(ctx, time.Minute)
	defer cancel()
	errs := make([]error, len(notices))
	pace.Each(len(notices), marksAtOnce, func(i int) {
		errs[i] = n.Mark(ctx, notices[i].Provider, notices[i].Account, notices[i].Trouble)
	})
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	if len(errs) > 0 {
		n.Log.WarnContext(ctx, "notices are not marked as sent, they will be sent again",
			"run_id", notices[0].RunID, "accounts", len(errs), "error", errs[0].Error())
	}
}

// digest returns the notices as events: each for itself, or all in one.
func digest(notices []End) []Event {
	if len(notices) > maxSingle {
		n := notices[0]
		all := Event{Type: n.Type, At: n.At, Provider: n.Provider, RunID: n.RunID, Outcomes: map[outcome.Outcome]int{}}
		for _, n := range notices {
			all.Accounts = append(all.Accounts, n.Account)
			all.Outcomes[n.Outcome]++
			if all.Outcome == "" || all.Outcomes[n.Outcome] > all.Outcomes[all.Outcome] {
				all.Outcome, all.Error = n.Outcome, n.Error
			}
		}
		return []Event{all}
	}
	events := make([]Event, 0, len(notices))
	for _, n := range notices {
		events = append(events, n.Event)
	}
	return events
}

// put delivers events and reports whether the bus has taken them all.
func (n *Notifier) put(ctx context.Context, events []Event) bool {
	if len(events) == 0 {
		return true
	}
	ctx, cancel := within(ctx, patience)
	defer cancel()
	err := n.Bus.Put(ctx, events)
	if err != nil {
		n.Log.WarnContext(ctx, "events not delivered", "run_id", events[0].RunID, "events", len(events), "error", err.Error())
	}
	return err == nil
}

// within bounds ctx so that it leaves time for the run's answer.
func within(ctx context.Context, most time.Duration) (context.Context, context.CancelFunc) {
	if deadline, ok := ctx.Deadline(); ok {
		most = min(most, time.Until(deadline)-reserve)
	}
	return context.WithTimeout(ctx, most)
}
