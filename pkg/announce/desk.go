package announce

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"tokenrefresh/pkg/outcome"
)

const (
	// patience is the most that a run waits for the bus, which is not worth a refresh.
	patience = 2 * time.Second
	// reserve is left of a run's time for its answer.
	reserve = 500 * time.Millisecond
)

// End is how a run ended for one account: an event but for its type, if it is one.
type End struct {
	Event
	// Before and Noted are the last outcomes that the ledger had noted when the run began
	// and when it ended; empty: none, or unknown.
	Before, Noted outcome.Outcome
}

// Desk tells a bus what is news. It is safe for concurrent use.
//
// A failure that lasts is told once: the ledger's last outcome says whether it is new,
// and where the ledger could not be written the memory of this process does. A process
// that starts in the middle of such an outage tells it again.
type Desk struct {
	Bus Bus
	Log *slog.Logger

	mu   sync.Mutex
	last map[string]health // by account, as this process saw it
}

// Tell puts what is news of these ends on the bus. It takes two seconds at most, and
// less where ctx leaves less. What goes wrong is logged and nothing else. A nil Desk
// tells nothing.
func (d *Desk) Tell(ctx context.Context, ends []End) {
	if d == nil {
		return
	}
	var events []Event
	for _, e := range ends {
		events = append(events, d.news(e)...)
	}
	if len(events) == 0 {
		return
	}
	wait := patience
	if deadline, ok := ctx.Deadline(); ok {
		wait = min(wait, time.Until(deadline)-reserve)
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if err := d.Bus.Put(ctx, events); err != nil {
		d.Log.WarnContext(ctx, "events not delivered", "run_id", events[0].RunID, "events", len(events), "error", err.Error())
	}
}

// news are the events that an end is worth.
func (d *Desk) news(e End) []Event {
	var events []Event
	tell := func(what Type, of outcome.Outcome) {
		event := e.Event
		event.Type, event.Outcome = what, of
		events = append(events, event)
	}
	swept := e.Outcomes != nil
	if swept && e.Outcomes[outcome.Dead] > 0 { // none dies twice
		tell(Failed, outcome.Dead)
	}
	was, now, known := d.compare(e)
	if !known {
		return events
	}
	if e.Outcome.Rotates() && !swept { // a sweep refreshes too many to tell of each
		tell(Rotated, e.Outcome)
	}
	switch {
	case now != well && now != was:
		tell(Failed, e.Outcome)
	case now == well && (was != well || e.Outcome == outcome.Recovered):
		tell(Recovered, e.Outcome)
	}
	return events
}

// compare returns how the account was and is; known is false where the end says nothing
// of that.
func (d *Desk) compare(e End) (was, now health, known bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if now, known = healthOf(e); !known {
		return "", "", false
	}
	was, remembered := d.last[e.Account]
	if !remembered {
		was = healthAfter(e.Before)
	}
	if d.last == nil {
		d.last = map[string]health{}
	}
	d.last[e.Account] = now
	return was, now, true
}
