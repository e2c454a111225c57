package health

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/store"
)

const (
	// backlogAge is how long transactions may be due before the alarm on the backlog rings.
	backlogAge = 5 * time.Minute
	// head is how much of each shard is read at first, as a tick does.
	head = 25
	// maxHead is how much is read if all of that is due, and how many dead ones are counted.
	maxHead = 250
)

// Transactions describes an account's transactions, as far as was read of the index.
type Transactions struct {
	Due        Count     // due now
	OldestDue  time.Time // since when; zero: none is due
	Next       time.Time // when the first is due; zero: there is none
	NextExpiry time.Time // the earliest end of an access token
	Dead       Count     // without those that were marked without a time
	LastDead   time.Time // when the last was marked dead; zero: there is none
	Err        error     // why this is not complete; safe to print
}

// Count is how many there are, as far as was read.
type Count struct {
	N    int
	More bool // there are more of them
}

// String is the number for people: "12", or "2000+" if there are more.
func (c Count) String() string {
	if c.More {
		return fmt.Sprintf("%d+", c.N)
	}
	return fmt.Sprint(c.N)
}

// readTransactions reads all shards of the index: their heads, and further if all of a head is due.
func (l *looking) readTransactions(ctx context.Context, now time.Time) {
	var mu sync.Mutex
	pace.Each(store.Shards, store.Shards, func(shard int) {
		entries, err := l.home.Transactions(l.Key.Provider).Due(ctx, l.Key.Account, shard, head, now)
		if len(entries) == head && !entries[head-1].RefreshAt.After(now) {
			entries, err = l.home.Transactions(l.Key.Provider).Due(ctx, l.Key.Account, shard, maxHead, now)
		}
		found := Transactions{Err: err}
		found.addDue(entries, now)
		for one, err := range l.home.Transactions(l.Key.Provider).Dead(ctx, l.Key.Account, shard, store.Span{}, now) {
			if err != nil {
				found.Err = errors.Join(found.Err, err)
				continue
			}
			if found.Dead.N == maxHead {
				found.Dead.More = true
				break
			}
			found.Dead.N++
			found.LastDead = later(found.LastDead, one.MarkedAt)
		}
		mu.Lock()
		defer mu.Unlock()
		l.Transactions.add(found)
	})
}

// addDue adds the head of a shard, the first due first.
func (t *Transactions) addDue(entries []store.Due, now time.Time) {
	for _, e := range entries {
		if !e.RefreshAt.After(now) {
			t.Due.N++
			t.OldestDue = earlier(t.OldestDue, e.RefreshAt)
		}
		t.Next = earlier(t.Next, e.RefreshAt)
		t.NextExpiry = earlier(t.NextExpiry, e.AccessExpiresAt)
	}
	t.Due.More = t.Due.N == maxHead
}

// add adds those of another shard.
func (t *Transactions) add(other Transactions) {
	sum := func(a, b Count) Count { return Count{a.N + b.N, a.More || b.More} }
	*t = Transactions{
		Due: sum(t.Due, other.Due), OldestDue: earlier(t.OldestDue, other.OldestDue),
		Next: earlier(t.Next, other.Next), NextExpiry: earlier(t.NextExpiry, other.NextExpiry),
		Dead: sum(t.Dead, other.Dead), LastDead: later(t.LastDead, other.LastDead), Err: errors.Join(t.Err, other.Err),
	}
}

// earlier is the earlier of two times. A zero time means none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

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
	due := fmt.Sprintf("transactions due: %s, the oldest for %s", t.Due, Short(now.Sub(t.OldestDue)))
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

// deadTransactions is the finding about transactions that sweeps have given up.
func (c Credential) deadTransactions(now time.Time) Finding {
	t := c.Transactions
	cause := fmt.Sprintf("dead transactions: %s, the last marked %s ago: the provider called their refresh tokens invalid",
		t.Dead, Short(now.Sub(t.LastDead)))
	return warn(DeadTransactions, cause, "start new transactions, and record those that have ended as completed; "+
		"if the refusals were wrong, revive them: list them, and try --dry-run first",
		c.command("dead"), c.command("revive --since 24h --dry-run")).when(t.Dead.N > 0)
}

// indexAtFault is the finding about unreadable entries of the due index, and unreadable claims.
func (c Credential) indexAtFault() Finding {
	if c.Transactions.Err == nil {
		return Finding{}
	}
	return act(IndexAtFault, c.Transactions.Err.Error(), "correct by hand what the cause names: sweeps skip it")
}
