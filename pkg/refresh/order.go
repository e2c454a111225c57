package refresh

import (
	"cmp"
	"slices"
	"time"

	"tokenrefresh/pkg/pace"
)

// lapsedShare: while others wait, one in so many accounts that a run begins has ended tokens, and
// such accounts hold at most one in so many slots.
const lapsedShare = 4

// candidate is an account with work for the run.
type candidate struct {
	row   int    // its place among the rows of the run
	host  string // the host that the work calls; empty: not known
	class class
	// at is its place in the order: when its tokens end, or, if lapsed, since when it waits; zero
	// is first.
	at    time.Time
	paced bool   // it writes to the secrets
	tie   uint64 // decides between equals, differently in each run
}

// class names the queue that a candidate waits in.
type class int

const (
	living class = iota // its tokens live
	lapsed              // they don't
	quiet               // they live, and the account is silent: see probes.go
	classes
)

// candidate is the view's account with the urgency of its work. silent: the provider has not
// answered the account's last call, nor a probe of the same host since.
func (v View) candidate(row int, began time.Time, silent bool) candidate {
	r := v.Row
	c := candidate{row: row, host: r.Host, paced: v.acts(), at: saveUntil(r), tie: pace.Lot(r.Account, began)}
	switch {
	case v.idle() && v.owing() && !v.due(): // readers wait for what is stored, and no provider is called
		c.host, c.at = "", time.Time{}
	case !c.paced: // perhaps a person has edited something
		c.class, c.at = lapsed, v.Now
	case !v.Now.Before(c.at):
		c.class = lapsed
		if c.at.IsZero() {
			c.at = r.RefreshAt // when it was seeded
		}
		c.at = later(c.at, r.NotBefore)
		if silent { // after all that have waited since
			c.at = c.at.Add(pace.MaxRetry)
		}
	case silent:
		c.class = quiet
	}
	return c
}

// queue chooses the next account for a free slot: the living by their end, and a share for the
// lapsed, by how long they have waited; after both, those that the provider has not answered. No
// host holds more than half of the slots while an account of another host waits.
type queue struct {
	slots   int
	waiting [classes][]candidate // in their order

	held                     map[string]int // slots, by host
	lapsed                   int            // slots that they hold
	started, startedOfLapsed int
}

func newQueue(slots int) *queue { return &queue{slots: slots, held: map[string]int{}} }

// add puts further accounts into their places.
func (q *queue) add(all ...candidate) {
	for _, c := range all {
		q.waiting[c.class] = append(q.waiting[c.class], c)
	}
	for _, list := range q.waiting {
		slices.SortFunc(list, func(a, b candidate) int {
			return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.tie, b.tie))
		})
	}
}

func (q *queue) empty() bool {
	return !slices.ContainsFunc(q.waiting[:], func(list []candidate) bool { return len(list) > 0 })
}

// next chooses the next account. The queue must not be empty.
func (q *queue) next() (class, int) {
	order := []class{living, lapsed, quiet}
	if q.lapsedFirst() {
		order = []class{lapsed, living, quiet}
	}
	for _, of := range order {
		if i := slices.IndexFunc(q.waiting[of], func(c candidate) bool { return !q.full(c.host) }); i >= 0 {
			return of, i
		}
	}
	// All that wait are of hosts that hold their half: no other host needs the other half.
	first := slices.IndexFunc(order, func(of class) bool { return len(q.waiting[of]) > 0 })
	return order[first], 0
}

// paced reports whether the next account writes to the secrets.
func (q *queue) paced() bool {
	of, i := q.next()
	return q.waiting[of][i].paced
}

// take gives the next account a slot.
func (q *queue) take() candidate {
	of, i := q.next()
	c := q.waiting[of][i]
	if i == 0 {
		q.waiting[of] = q.waiting[of][1:]
	} else {
		q.waiting[of] = slices.Delete(q.waiting[of], i, i+1)
	}
	q.held[c.host]++
	q.started++
	if c.class == lapsed {
		q.lapsed++
		q.startedOfLapsed++
	}
	return c
}

// release frees a slot.
func (q *queue) release(c candidate) {
	q.held[c.host]--
	if c.class == lapsed {
		q.lapsed--
	}
}

// takeAll empties the queue.
func (q *queue) takeAll() []candidate {
	all := slices.Concat(q.waiting[:]...)
	q.waiting = [classes][]candidate{}
	return all
}

// lapsedFirst reports whether the next slot is for a lapsed account.
func (q *queue) lapsedFirst() bool {
	due := lapsedShare*(q.startedOfLapsed+1) <= q.started+1
	return due && q.lapsed < max(1, q.slots/lapsedShare)
}

// full reports whether a host holds its half of the slots. An unknown host never does.
func (q *queue) full(host string) bool {
	return host != "" && q.held[host] >= max(1, q.slots/2)
}
