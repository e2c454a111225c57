package health

import (
	"fmt"
	"time"

	"tokenrefresh/internal/operator/catalog"
)

// backlogAge is how long transactions may be due before the alarm on the backlog rings.
const backlogAge = 5 * time.Minute

// sweep is the main finding about an account with transactions.
func (c Credential) sweep(now time.Time) Finding {
	f := first(c.waiting(now), c.secretAtFault(), c.notSeeded(), c.paused(), c.limited(now), c.backlog(now), c.failing(now))
	if ends := c.Transactions.NextExpiry; f.State != OK && !ends.IsZero() && !now.Before(ends) {
		f.Cause += fmt.Sprintf("; the first access token ended %s ago", Short(now.Sub(ends)))
		if !c.troubled() {
			f.State = Act
		}
	}
	return f
}

// backlog is the finding about transactions that are due for long: no sweep comes, none gets
// through, or none reaches them.
func (c Credential) backlog(now time.Time) Finding {
	t, r := c.Transactions, c.Row
	since := later(t.OldestDue, r.NotBefore)
	if t.OldestDue.IsZero() || now.Sub(since) < backlogAge {
		return Finding{}
	}
	due := fmt.Sprintf("transactions due: %s, the oldest for %s", t.Count(), Short(now.Sub(t.OldestDue)))
	if f := c.failing(now); !f.none() {
		return act(Backlog, due+"; "+f.Cause, f.Mend, f.Commands...)
	}
	if now.Sub(r.LastSuccessAt) < backlogAge {
		entry, _ := catalog.Find(c.Key.Provider)
		return act(Backlog, due+"; sweeps run, and do not reach all of them",
			"look at the function's last run; it may need more workers and memory, or "+entry.QueueParameter(), c.doctor())
	}
	return act(Silent, due+"; no sweep has refreshed any since", findRuns, c.doctor(), c.command("refresh"))
}

// indexAtFault is the finding about unreadable entries of the due index, and unreadable claims.
func (c Credential) indexAtFault() Finding {
	if c.Transactions.Err == nil {
		return Finding{}
	}
	return act(IndexAtFault, c.Transactions.Err.Error(), "correct by hand what the cause names: sweeps skip it")
}

// Count is how many are due, for people: "12", or "2000+" if there may be more.
func (t Transactions) Count() string {
	if t.More {
		return fmt.Sprintf("%d+", t.Due)
	}
	return fmt.Sprint(t.Due)
}
