package health

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/store"
)

// maxDead is how many dead transactions of a shard are counted.
const maxDead = 250

// DeadRows describes an account's dead transactions, from the index. That does not have those that
// an older release marked.
type DeadRows struct {
	Count int
	More  bool      // there are more of them
	Last  time.Time // when the last was marked; zero: there is none
}

// readDead counts the dead transactions of all shards.
func (l *looking) readDead(ctx context.Context, now time.Time) {
	var mu sync.Mutex
	pace.Each(store.Shards, store.Shards, func(shard int) {
		var d DeadRows
		var failed error
		for one, err := range l.home.Transactions(l.Key.Provider).Dead(ctx, l.Key.Account, shard, store.Span{}, now) {
			switch {
			case err != nil:
				failed = errors.Join(failed, err)
			case d.Count == maxDead:
				d.More = true
			default:
				d.Count++
				d.Last = later(d.Last, one.MarkedAt)
			}
			if d.More {
				break
			}
		}
		mu.Lock()
		defer mu.Unlock()
		t := &l.Transactions
		t.Err = errors.Join(t.Err, failed)
		t.Dead = DeadRows{t.Dead.Count + d.Count, t.Dead.More || d.More, later(t.Dead.Last, d.Last)}
	})
}

// deadTransactions is the finding about transactions that sweeps have given up.
func (c Credential) deadTransactions(now time.Time) Finding {
	d := c.Transactions.Dead
	if d.Count == 0 {
		return Finding{}
	}
	cause := fmt.Sprintf("dead transactions: %s, the last marked %s ago: the provider called their refresh tokens invalid",
		Transactions{Due: d.Count, More: d.More}.Count(), Short(now.Sub(d.Last)))
	return warn(DeadTransactions, cause, "start new transactions, and record those that have ended as completed; "+
		"if the refusals were wrong, revive them: list them, and try --dry-run first",
		c.command("dead"), c.command("revive --since 24h --dry-run"))
}
