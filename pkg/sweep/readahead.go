package sweep

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/store"
)

// maxBatch is the most rows that one call reads.
const maxBatch = 100

// reading is one row as a call has read it.
type reading struct {
	store.Read
	missed outcome.Outcome // why the call left the row out; empty: it did not
}

// readAhead yields each row of due with its position. Rows are read while the workers are busy with
// earlier ones, one or two rounds ahead. After a stop nothing more is read, and the rows are empty.
func (s *sweep) readAhead(ctx context.Context, due []store.Due) iter.Seq2[int, reading] {
	return func(yield func(int, reading) bool) {
		batches := slices.Collect(slices.Chunk(due, min(max(1, s.Workers), maxBatch)))
		nothing := make(chan map[int64]reading)
		close(nothing)
		start := func(i int) <-chan map[int64]reading {
			if i == len(batches) || s.mayContinue(ctx) != nil {
				return nothing
			}
			return s.read(ctx, batches[i])
		}
		place := 0
		next := start(0)
		for i, batch := range batches {
			rows := <-next
			next = start(i + 1)
			for _, d := range batch {
				if !yield(place, rows[d.ID]) {
					<-next // no read may outlive the sweep
					return
				}
				place++
			}
		}
	}
}

// read reads rows in the background and sends them once.
func (s *sweep) read(ctx context.Context, due []store.Due) <-chan map[int64]reading {
	c := make(chan map[int64]reading, 1)
	rows := make(map[int64]reading, len(due))
	ids := make([]int64, len(due))
	for i, d := range due {
		ids[i] = d.ID
		rows[d.ID] = reading{missed: outcome.Transient} // unless it is read
	}
	go func() {
		defer func() {
			if p := recover(); p != nil {
				s.reportPanic(ctx, p)
			}
			c <- rows
		}()
		found, err := s.Transactions.GetMany(ctx, ids)
		for _, id := range ids {
			if row, read := found[id]; read {
				rows[id] = reading{Read: row}
			} else {
				rows[id] = reading{missed: outcomeOf(err)}
			}
		}
		if err != nil {
			s.storeTrouble(fmt.Errorf("read transactions: %w", err))
		}
	}()
	return c
}
