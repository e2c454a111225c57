package bulk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/store"
)

const (
	// tries is how often storing a record is tried.
	tries = 4
	// firstWait is the wait before the second; it doubles.
	firstWait = time.Second
	// maxFailed limits what the progress remembers: with more failures the store is at fault, and
	// not single records.
	maxFailed = 1000
)

// End is how a record ended.
type End int

// The ends.
const (
	Stored  End = iota
	Passed      // what is stored already is newer
	Refused     // the line must be corrected
	Failed      // the store failed, perhaps for a while
)

// Result is the end of one record. Err is set where it was refused or has failed, and shows no
// secret.
type Result struct {
	End End
	Err error
}

// Decoder reads one line. Its error names the field and no value.
type Decoder[R any] func(line []byte) (R, error)

// Load is a text of records that is stored.
type Load[R any] struct {
	Text io.Reader
	// Begin returns the decoder of the text's lines, after its header if it has one. began is when
	// the text was first loaded.
	Begin func(lines *Lines, began time.Time) (Decoder[R], error)
	// Put stores a batch, each record for itself and those of one id in their order. It ends what
	// it has begun.
	Put func(ctx context.Context, batch []R) []Result
	// ID identifies a record.
	ID func(R) string
	// Batch is how many records are under way at once: after a crash they are stored again, and
	// they are held in memory.
	Batch int
	// Target identifies where the records go.
	Target string
	// Progress is the file that keeps how far the text has come, which must be an
	// io.ReadSeeker then; empty: none.
	Progress string
	Restart  bool // ignore an earlier run
	// Refused is called with each line that was not stored. The error shows no value.
	Refused func(line int, err error)
	// Moved is called with how many bytes are done.
	Moved func(offset int64)
}

// Summary is the result of loading a text.
type Summary struct {
	From    int // the first line of this run
	Line    int // the last that is done
	Stored  int
	Passed  int
	Refused int // lines that must be corrected, those of earlier runs included
	Failed  int // records that the store did not take; the same run again tries them
}

// ErrStopped is in the errors of runs whose context ended. The batch under way was completed.
var ErrStopped = errors.New("stopped")

// ErrEmpty is the error of a text without a record.
var ErrEmpty = errors.New("there is no record in it")

// Run stores the text in its order. An error means that it ended early; the same call goes on where
// it stopped. A line that is refused, or that alone of its batch is not stored, is no error: it is
// in the summary.
func (l *Load[R]) Run(ctx context.Context) (Summary, error) {
	r := &run[R]{Load: l, sidecar: sidecar(l.Progress)}
	if err := r.begin(); err != nil {
		return Summary{}, err
	}
	err := r.all(ctx)
	r.summary.Line, r.summary.Refused, r.summary.Failed = r.done.Line, r.done.Refused, len(r.done.Failed)
	if err == nil && len(r.done.Failed) == 0 {
		err = r.sidecar.remove()
	}
	return r.summary, err
}

// run is one Run.
type run[R any] struct {
	*Load[R]
	sidecar sidecar
	done    progress
	again   []string // ids that failed in an earlier run
	failed  []string // and in this one
	refused int      // lines since done
	batch   []entry[R]
	summary Summary
}

// entry is a record of a batch.
type entry[R any] struct {
	line   int
	record R
	result Result
}

// begin finds where to go on.
func (r *run[R]) begin() error {
	if r.Restart {
		if err := r.sidecar.remove(); err != nil {
			return err
		}
	}
	var err error
	switch r.done, err = r.sidecar.load(); {
	case err != nil:
		return err
	case r.done.Began.IsZero():
		r.done = progress{Target: r.Target, Began: time.Now().UTC()}
		return nil
	case r.done.Target != r.Target:
		return fmt.Errorf("the file was begun for %s, and this is %s: give --restart to begin again", r.done.Target, r.Target)
	}
	file, ok := r.Text.(io.ReadSeeker)
	if !ok {
		return errors.New("the text cannot be read a second time")
	}
	r.again = r.done.Failed
	return r.done.check(file)
}

// all reads the text to its end, and skips what is done.
func (r *run[R]) all(ctx context.Context) error {
	text := newLines(r.Text)
	decode, err := r.Begin(text, r.done.Began)
	if err != nil {
		return err
	}
	r.summary.From = r.done.Line + 1
	for seen := false; ; {
		line, err := text.Next()
		if errors.Is(err, io.EOF) {
			if !seen {
				return ErrEmpty
			}
			return r.flush(ctx, text)
		}
		if err != nil && !errors.Is(err, errLong) {
			return fmt.Errorf("read line %d: %w", text.number+1, err)
		}
		seen = seen || len(line) > 0 || err != nil
		before := text.offset <= r.done.Offset
		if len(line) == 0 && err == nil || before && len(r.again) == 0 {
			continue
		}
		var record R
		if err == nil {
			record, err = decode(line)
		}
		switch {
		case before && (err != nil || !slices.Contains(r.again, r.ID(record))):
		case err != nil:
			r.refused++
			r.Refused(text.number, err)
		default:
			r.batch = append(r.batch, entry[R]{line: text.number, record: record})
		}
		if len(r.batch) == r.Batch || ctx.Err() != nil {
			if err := r.flush(ctx, text); err != nil {
				return err
			}
		}
	}
}

// flush stores the batch and records that it is done. It completes even after ctx has ended, so
// that the record is true.
func (r *run[R]) flush(ctx context.Context, text *Lines) error {
	if err := r.store(ctx); err != nil {
		return err
	}
	for _, e := range r.batch {
		switch e.result.End {
		case Stored:
			r.summary.Stored++
		case Passed:
			r.summary.Passed++
		case Refused:
			r.refused++
			r.Refused(e.line, e.result.Err)
		case Failed:
			r.Refused(e.line, e.result.Err)
			if !slices.Contains(r.failed, r.ID(e.record)) {
				r.failed = append(r.failed, r.ID(e.record))
			}
		}
	}
	if len(r.failed) > maxFailed {
		return fmt.Errorf("more than %d records could not be stored: check the store, then run this again", maxFailed)
	}
	r.batch = r.batch[:0]
	if text.offset >= r.done.Offset {
		r.done.Offset, r.done.Line, r.done.Fingerprint = text.offset, text.number, text.fingerprint()
		r.done.Refused += r.refused
		r.done.Failed, r.refused = r.failed, 0
		if err := r.sidecar.save(r.done); err != nil {
			return err
		}
	}
	r.Moved(text.offset)
	if ctx.Err() != nil {
		return fmt.Errorf("%w after line %d: run this again to go on", ErrStopped, r.done.Line)
	}
	return nil
}

// store tries the batch until it is stored, or until the rest cannot be stored.
func (r *run[R]) store(ctx context.Context) error {
	r.put(ctx, func(entry[R]) bool { return true })
	wait := firstWait
	for try := 1; ; try++ {
		var failed []string
		var cause error
		for _, e := range r.batch {
			if errors.Is(e.result.Err, store.ErrForbidden) { // no record at all can be stored until a person acts
				return fmt.Errorf("line %d: %w", e.line, e.result.Err)
			}
			if e.result.End == Failed {
				failed, cause = append(failed, r.ID(e.record)), e.result.Err
			}
		}
		switch {
		case len(failed) == 0, try == tries && len(failed) < len(r.batch):
			return nil
		case try == tries:
			return fmt.Errorf("nothing of lines %d to %d was stored, run this again to go on: %w",
				r.batch[0].line, r.batch[len(r.batch)-1].line, cause)
		case !pace.Sleep(ctx, wait):
			return fmt.Errorf("%w while the store failed, run this again to go on: %w", ErrStopped, cause)
		}
		wait *= 2
		// All records of an id, because a later one may have been stored.
		r.put(ctx, func(e entry[R]) bool { return slices.Contains(failed, r.ID(e.record)) })
	}
}

// put stores the selected records of the batch, once.
func (r *run[R]) put(ctx context.Context, wanted func(entry[R]) bool) {
	var places []int
	var some []R
	for i, e := range r.batch {
		if wanted(e) {
			places, some = append(places, i), append(some, e.record)
		}
	}
	for i, result := range r.Put(context.WithoutCancel(ctx), some) {
		r.batch[places[i]].result = result
	}
}
