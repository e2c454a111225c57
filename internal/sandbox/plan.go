package sandbox

import (
	"context"
	"slices"
	"sync"
)

// queue holds the injected faults of one provider in their order.
type queue struct {
	mu    sync.Mutex
	rules []*rule
}

// rule is one injected fault. left counts the calls it is still for; it began at
// 0 where it is for all.
type rule struct {
	op    Op
	left  int
	fault Fault
}

func (q *queue) add(op Op, times int, faults []Fault) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, f := range faults {
		q.rules = append(q.rules, &rule{op: op, left: times, fault: f})
	}
}

func (q *queue) clear() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.rules = nil
}

// take is called once a call: the first fault of each sort, counted down.
func (q *queue) take(op Op) plan {
	q.mu.Lock()
	defer q.mu.Unlock()
	var p plan
	q.rules = slices.DeleteFunc(q.rules, func(r *rule) bool {
		sameSort := func(f Fault) bool { return f.sort == r.fault.sort }
		if r.op != Any && r.op != op || slices.ContainsFunc(p, sameSort) {
			return false
		}
		p = append(p, r.fault)
		r.left--
		return r.left == 0
	})
	return p
}

// plan is the faults of one call.
type plan []Fault

// wait runs the delay before or after acting; false where ctx ended in it.
func (p plan) wait(ctx context.Context, after bool) bool {
	for _, f := range p {
		if f.wait != nil && f.after == after && !f.wait(ctx) {
			return false
		}
	}
	return true
}

// answer is the fault that answers before or after acting.
func (p plan) answer(after bool) (Fault, bool) {
	i := slices.IndexFunc(p, func(f Fault) bool { return f.answer != nil && f.after == after })
	if i < 0 {
		return Fault{}, false
	}
	return p[i], true
}

func (p plan) settings() settings {
	var s settings
	for _, f := range p {
		if f.edit != nil {
			f.edit(&s)
		}
	}
	return s
}
