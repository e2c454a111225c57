package sweep

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/store"
)

// readMost bounds how many rows are read in one call.
const readMost = 100

// reading is what a call has read of a row.
type reading struct {
	store.Read
	missed outcome.Outcome // why the call has left the row out; empty: it has not
}

// readAhead yields the place of each row in due, and the row: as read while the
// workers were busy with the rows before, one or two rounds of them ago. Where the sweep
// may not go on nothing more is read, and the rows are empty.
func (s *sweep) readAhead(ctx context.Context, due []store.Due) iter.Seq2[int, reading] {
	return func(yield func(int, reading) bool) {
		batches := slices.Collect(slices.Chunk(due, min(max(1, s.Workers), readMost)))
		nothing := make(chan map[int64]reading)
		close(nothing)
		start := func(i int) <-chan map[int64]reading {
			if i == len(batches) || s.goOn(ctx) != nil {
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
					<-next // no read outlasts the sweep
					return
				}
				place++
			}
		}
	}
}

// read reads rows in the background, and sends them once.
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
				s.panicked(ctx, p)
			}
			c <- rows
		}()
		found, err := s.Transactions.GetMany(ctx, ids)
		for _, id := range ids {
			if row, read := found[id]; read {
				rows[id] = reading{Read: row}
			} else {
				rows[id] = reading{missed: lasting(err)}
			}
		}
		if err != nil {
			s.storeFailed(fmt.Errorf("read transactions: %w", err))
		}
	}()
	return c
}
