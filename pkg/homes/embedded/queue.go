package embedded

import (
	"context"
	"errors"
	"slices"
	"sync"

	"go.etcd.io/bbolt"
)

// queue lets the operations of this process on a file take turns. The holder of the turn also runs
// the operations of all others that wait: thirty-two writes share one opening of the file and one
// sync to disk.
type queue struct {
	turn chan struct{} // full while a goroutine has it

	mu      sync.Mutex
	waiting []*operation
}

var (
	queues   = map[string]*queue{}
	queuesMu sync.Mutex
)

// queueOf returns the process's queue of a file, named by its absolute path without
// symbolic links.
func queueOf(path string) *queue {
	queuesMu.Lock()
	defer queuesMu.Unlock()
	q, ok := queues[path]
	if !ok {
		q = &queue{turn: make(chan struct{}, 1)}
		queues[path] = q
	}
	return q
}

// operation is what a caller wants done in a transaction. do may be called more than
// once, each time in a transaction that knows nothing of the last.
type operation struct {
	do       func(tx *bbolt.Tx) error
	readOnly bool
	err      error
	done     chan struct{} // closed when err is final
}

// errAbandoned is the error of operations whose transaction ended with another's panic.
var errAbandoned = errors.New("the transaction was abandoned")

func newOperation(readOnly bool, do func(tx *bbolt.Tx) error) *operation {
	return &operation{do: do, readOnly: readOnly, err: errAbandoned, done: make(chan struct{})}
}

// run does op, or waits until another turn has done it. lock opens the file for the first operation
// of a turn; its error is op's alone, and the others then try themselves.
func (q *queue) run(ctx context.Context, op *operation, lock func() (*opened, error)) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	q.add(op)
	select {
	case <-op.done:
		return op.err
	case q.turn <- struct{}{}:
	case <-ctx.Done():
		if q.withdraw(op) {
			return ctx.Err()
		}
		<-op.done
		return op.err
	}
	defer func() { <-q.turn }()
	select {
	case <-op.done: // by the turn before
		return op.err
	default:
	}
	db, err := lock()
	if err != nil {
		q.withdraw(op)
		return err
	}
	closing := db.Close
	defer func() { err = errors.Join(err, closing()) }()
	some := q.take(op.readOnly)
	defer func() {
		for _, op := range some {
			close(op.done)
		}
	}()
	err = guard(func() error {
		if !op.readOnly {
			write(db.DB, some)
			return nil
		}
		for _, op := range some {
			op.err = db.View(op.do)
		}
		return nil
	})
	if err == nil {
		return op.err
	}
	for _, op := range some {
		if errors.Is(op.err, errAbandoned) {
			op.err = err
		}
	}
	if !op.readOnly { // the panic may have left locks behind, for which Close would wait
		closing = func() error { return abandon(db.file) }
	}
	return op.err
}

func (q *queue) add(op *operation) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, op)
}

// withdraw removes op from the queue, and reports whether it was still waiting.
func (q *queue) withdraw(op *operation) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting, op)
	if i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
	}
	return i >= 0
}

// take takes all waiting reads, or all waiting writes.
func (q *queue) take(readOnly bool) []*operation {
	q.mu.Lock()
	defer q.mu.Unlock()
	var some []*operation
	q.waiting = slices.DeleteFunc(q.waiting, func(op *operation) bool {
		if op.readOnly == readOnly {
			some = append(some, op)
		}
		return op.readOnly == readOnly
	})
	return some
}

// write runs all operations that succeed in one transaction, and returns when it is on disk. An
// operation that fails must leave nothing behind, and must not have seen what others have not
// committed: the transaction starts again without it, and it gets its own after that.
func write(db *bbolt.DB, all []*operation) {
	some := slices.Clone(all)
	var alone []*operation
	for len(some) > 0 {
		failed := -1
		err := db.Update(func(tx *bbolt.Tx) error {
			changed := false
			for i, op := range some {
				err := op.do(tx)
				if err != nil && !errors.Is(err, errUnchanged) {
					failed = i
					return err
				}
				changed = changed || err == nil
			}
			if !changed {
				return errUnchanged // nothing to sync
			}
			return nil
		})
		if failed >= 0 && len(some)+len(alone) > 1 {
			alone = append(alone, some[failed])
			some = slices.Delete(some, failed, failed+1)
			continue
		}
		for _, op := range some {
			op.err = err
		}
		break
	}
	for _, op := range alone {
		op.err = db.Update(op.do)
	}
}
