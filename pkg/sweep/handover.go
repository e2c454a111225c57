package sweep

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/store"
)

// Queue brings rows to further runs of the engine. It may deliver twice, late, in any order, or not
// at all: a row is due in the index until it is refreshed.
type Queue interface {
	// Waiting is how many messages are in the queue, those in flight included. It may be a minute
	// old.
	Waiting(ctx context.Context) (int, error)
	// Send makes a message of each list: a run of Request.TransactionIDs for account. unsent are
	// the positions of lists that were not sent, or perhaps were; the error is why.
	Send(ctx context.Context, account string, lists [][]int64) (unsent []int, err error)
}

const (
	// maxMessage is how many rows a message names. Lambda gives a run ten messages: as much as a
	// run can do, and no more than the 64 KiB that SQS bills as one request.
	maxMessage = 250
	// handOverTimeout limits the calls to the queue, so that time is left for the rows that it does
	// not take.
	handOverTimeout = 10 * time.Second
)

// distribute keeps the HandOverAbove longest due rows for this run and hands the rest over to other
// runs.
func (s *sweep) distribute(ctx context.Context, due []store.Due) {
	defer s.settleRefusals(ctx)
	if !s.mayHandOver() || len(due) <= s.HandOverAbove {
		s.work(ctx, due)
		return
	}
	own, rest := due[:s.HandOverAbove], due[s.HandOverAbove:]
	var wg sync.WaitGroup
	wg.Go(func() {
		defer s.recoverPanic(ctx)
		rest = s.handOver(ctx, rest)
	})
	s.work(ctx, own)
	wg.Wait()
	s.work(ctx, rest)
}

// mayHandOver reports whether more runs would help: this is a plain sweep, and calls with
// these credentials have succeeded. Otherwise many runs would fail where one is enough to
// find out.
func (s *sweep) mayHandOver() bool {
	plain := !s.req.named() && !s.req.Force && !s.req.DryRun
	proven := !s.row.LastSuccessAt.IsZero() && !s.edited()
	return s.Queue != nil && plain && proven && !inTrouble(s.row)
}

// inTrouble reports whether the account's last calls failed, by its row.
func inTrouble(row store.Row) bool {
	return row.State == store.Misconfigured || !row.NotBefore.IsZero() || !row.RefreshAt.IsZero() ||
		row.ConsecutiveFailures > 0 || row.LastOutcome == outcome.Transient // stopped after some successes
}

// handOver puts rows into the queue and returns those that the queue did not take. Rows
// that waiting messages may name already are not sent again: otherwise a queue that nobody
// empties would grow with each tick.
func (s *sweep) handOver(ctx context.Context, rest []store.Due) (kept []store.Due) {
	ctx, cancel := context.WithTimeout(ctx, handOverTimeout)
	defer cancel()
	waiting, err := s.Queue.Waiting(ctx)
	if err != nil {
		s.warn(fmt.Sprintf("nothing was handed over: %v", err))
		return rest
	}
	// These are the longest due, as the queue's messages are older than this sweep.
	waits := min(len(rest), waiting*maxMessage)
	for _, d := range rest[:waits] {
		s.addBacklog(d.RefreshAt) // at least since the last tick
	}
	s.leaveToOthers(rest[:waits])

	chunks := slices.Collect(slices.Chunk(rest[waits:], maxMessage))
	if len(chunks) == 0 {
		return nil
	}
	lists := make([][]int64, len(chunks))
	for i, chunk := range chunks {
		for _, d := range chunk {
			lists[i] = append(lists[i], d.ID)
		}
	}
	unsent, err := s.Queue.Send(ctx, s.account, lists)
	if err != nil {
		s.warn(fmt.Sprintf("not all was handed over: %v", err))
	}
	for i, chunk := range chunks {
		if slices.Contains(unsent, i) {
			kept = append(kept, chunk...)
			continue
		}
		s.leaveToOthers(chunk)
		s.addHandedOver(len(chunk))
	}
	return kept
}

// leaveToOthers counts rows that other runs will do. Until a sweep sees their new tokens
// they count with the old ones.
func (s *sweep) leaveToOthers(due []store.Due) {
	if len(due) == 0 {
		return
	}
	s.count(outcome.Busy, len(due))
	for _, d := range due {
		s.forecast(d.RefreshAt, orElse(d.AccessExpiresAt, d.RefreshAt), d.Failures)
	}
}
