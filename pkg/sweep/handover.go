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

// Queue brings rows to further runs of the engine. It may deliver twice, late and in
// any order, and lose nothing that matters: a row is due in the index until it is
// refreshed.
type Queue interface {
	// Waiting is how many messages lie in the queue, counting those that are being
	// worked on. It may lag behind by a minute.
	Waiting(ctx context.Context) (int, error)
	// Send makes a message of each list: a run of Request.TransactionIDs for account.
	// The error says why those at the positions unsent were not sent, or perhaps were.
	Send(ctx context.Context, account string, lists [][]int64) (unsent []int, err error)
}

const (
	// messageMost is how many rows a message names: ten of them, which Lambda hands a
	// run at once, are what a run gets done, and no more than the 64 KiB that SQS bills
	// as one request.
	messageMost = 250
	// handOverTimeout bounds the calls to the queue: there must be time left to work on
	// what it does not take.
	handOverTimeout = 10 * time.Second
)

// share does what is due. Of more than HandOverAbove it does the longest due itself
// and lets other runs do the rest.
func (s *sweep) share(ctx context.Context, due []store.Due) {
	if !s.mayHandOver() || len(due) <= s.HandOverAbove {
		s.work(ctx, due)
		return
	}
	own, rest := due[:s.HandOverAbove], due[s.HandOverAbove:]
	var wg sync.WaitGroup
	wg.Go(func() {
		defer s.contain(ctx)
		rest = s.handOver(ctx, rest)
	})
	s.work(ctx, own)
	wg.Wait()
	s.work(ctx, rest)
}

// mayHandOver reports whether more runs would do more: this one is a plain sweep, and
// with these credentials calls have got through until now. If they haven't, many runs
// would only try in vain what one can find out.
func (s *sweep) mayHandOver() bool {
	plain := !s.req.named() && !s.req.Force && !s.req.DryRun
	proven := !s.row.LastSuccessAt.IsZero() && s.row.CredentialsVersionID == s.credentials.ID
	return s.Queue != nil && plain && proven && !troubled(s.row)
}

// troubled reports whether the ledger says of an account that calls do not get
// through, or not yet again.
func troubled(row store.Row) bool {
	return row.State == store.Misconfigured || !row.NotBefore.IsZero() ||
		row.ConsecutiveFailures > 0 || row.LastOutcome == outcome.Transient // stopped, after some that went well
}

// handOver puts rows into the queue and returns those that it did not take. Rows that
// the messages in it may hold are left to them: else a queue that nobody empties
// would grow with each tick.
func (s *sweep) handOver(ctx context.Context, rest []store.Due) (kept []store.Due) {
	ctx, cancel := context.WithTimeout(ctx, handOverTimeout)
	defer cancel()
	waiting, err := s.Queue.Waiting(ctx)
	if err != nil {
		s.warn(fmt.Sprintf("nothing was handed over: %v", err))
		return rest
	}
	// The longest due: the queue's messages are older than this sweep.
	waits := min(len(rest), waiting*messageMost)
	for _, d := range rest[:waits] {
		s.backlog(d.RefreshAt) // at least since the last tick
	}
	s.entrust(rest[:waits])

	chunks := slices.Collect(slices.Chunk(rest[waits:], messageMost))
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
		s.entrust(chunk)
		s.handedOver(len(chunk))
	}
	return kept
}

// entrust counts rows that other runs are to do. They have no new token before a
// sweep has seen it.
func (s *sweep) entrust(due []store.Due) {
	if len(due) == 0 {
		return
	}
	s.count(outcome.Busy, len(due))
	for _, d := range due {
		s.outlook(d.RefreshAt, orElse(d.AccessExpiresAt, d.RefreshAt), d.Failures)
	}
}
