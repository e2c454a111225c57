package records

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"tokenrefresh/pkg/event"
	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/store"
	"tokenrefresh/pkg/sweep"
)

const (
	// batchSize is how many records are under way at once: what is done twice after a
	// crash, and what is held in memory.
	batchSize = 1024
	// tries is how often a record is tried that the store did not take.
	tries = 4
	// firstWait is the wait before the second; it doubles.
	firstWait = time.Second
	// mostFailed bounds what the progress remembers: beyond it the store is at fault, and
	// no single record.
	mostFailed = 1000
)

// Loader loads texts of records.
type Loader struct {
	Recorder Recorder
	Account  string // of records that name none; empty: as stored, or the default
	Target   string // tells apart where the records go
	// Refused is told of each line that was not recorded. The error shows no value.
	Refused func(line int, err error)
	// Moved is told how many bytes are done.
	Moved func(offset int64)
}

// Input is a text of records.
type Input struct {
	Text   io.Reader
	Format Format
	// Progress is the file that keeps how far the text has come, which must be an
	// io.ReadSeeker then; empty: none.
	Progress string
	Restart  bool // pass over an earlier run
}

// Summary is what became of a text.
type Summary struct {
	From       int `json:"from_line"`  // the first that this run came to
	Line       int `json:"until_line"` // the last that is done
	Recorded   int `json:"recorded"`
	Superseded int `json:"superseded"` // a later record stands
	Refused    int `json:"refused"`    // lines that must be corrected, those of earlier runs included
	Failed     int `json:"failed"`     // transactions that the store did not take; the same run again tries them
}

// ErrInterrupted is in the errors of runs whose context ended. What had begun was finished.
var ErrInterrupted = errors.New("interrupted")

// Load records a text in its order. An error means that it ended early; the same call
// goes on where it stopped. A line that is refused, or that the store alone of its
// batch does not take, is no error: it is in the summary.
func (l *Loader) Load(ctx context.Context, in Input) (Summary, error) {
	r := &run{Loader: l, sidecar: sidecar(in.Progress)}
	if err := r.begin(in); err != nil {
		return Summary{}, err
	}
	err := r.all(ctx, in)
	r.summary.Line, r.summary.Refused, r.summary.Failed = r.done.Line, r.done.Refused, len(r.done.Failed)
	if err == nil && len(r.done.Failed) == 0 {
		err = r.sidecar.remove()
	}
	return r.summary, err
}

// run is one Load.
type run struct {
	*Loader
	sidecar sidecar
	done    progress
	again   []int64 // transactions that failed in an earlier run
	failed  []int64 // and in this one
	refused int     // lines since done
	batch   []entry
	summary Summary
}

// entry is a record of a batch.
type entry struct {
	line   int
	record sweep.Record
	result sweep.Recorded
}

// begin finds out where to go on.
func (r *run) begin(in Input) error {
	if in.Restart {
		if err := r.sidecar.remove(); err != nil {
			return err
		}
	}
	var resumed bool
	var err error
	if r.done, resumed, err = r.sidecar.load(); err != nil {
		return err
	}
	if !resumed {
		r.done = progress{Target: r.Target, Began: time.Now().UTC()}
		return nil
	}
	if r.done.Target != r.Target {
		return fmt.Errorf("the file was begun for %s, and this is %s: give --restart to begin anew", r.done.Target, r.Target)
	}
	file, ok := in.Text.(io.ReadSeeker)
	if !ok {
		return errors.New("the text cannot be read a second time")
	}
	r.again = r.done.Failed
	return r.done.check(file)
}

// all reads the text to its end, and passes over what is done.
func (r *run) all(ctx context.Context, in Input) error {
	text := newLines(in.Text)
	decode, err := in.Format.decoder(text)
	if err != nil {
		return err
	}
	r.summary.From = r.done.Line + 1
	for {
		line, err := text.next()
		if errors.Is(err, io.EOF) {
			return r.flush(ctx, text)
		}
		if err != nil && !errors.Is(err, errLong) {
			return fmt.Errorf("read line %d: %w", text.number+1, err)
		}
		before := text.offset <= r.done.Offset
		if len(line) == 0 && err == nil || before && len(r.again) == 0 {
			continue
		}
		var record event.Record
		if err == nil {
			record, err = decode(line)
		}
		switch {
		case before && (err != nil || !slices.Contains(r.again, record.TransactionID)):
		case err != nil:
			r.refused++
			r.Refused(text.number, err)
		default:
			r.batch = append(r.batch, entry{line: text.number, record: r.of(record)})
		}
		if len(r.batch) == batchSize || ctx.Err() != nil {
			if err := r.flush(ctx, text); err != nil {
				return err
			}
		}
	}
}

// of is the record as the engine takes it.
func (r *run) of(e event.Record) sweep.Record {
	e = e.At(r.done.Began)
	one := sweep.Record{
		TransactionID: e.TransactionID, Account: e.Account, RefreshToken: e.RefreshToken, CustomerUID: e.CustomerUID,
		Status: store.Status(e.Status), RecordedAt: e.RecordedAt, ExpiresAt: e.ExpiresAt,
	}
	if one.Account == "" {
		one.Account = r.Account
	}
	if one.RecordedAt.IsZero() {
		one.RecordedAt = r.done.Began
	}
	return one
}

// flush records the batch and writes down that it is done. It is finished although ctx
// has ended, so that what is written down is so.
func (r *run) flush(ctx context.Context, text *lines) error {
	if err := r.record(ctx); err != nil {
		return err
	}
	for _, e := range r.batch {
		switch e.result.Outcome {
		case outcome.Recorded:
			r.summary.Recorded++
		case outcome.Superseded:
			r.summary.Superseded++
		case outcome.Misconfigured:
			r.refused++
			r.Refused(e.line, e.result.Err)
		default:
			r.Refused(e.line, e.result.Err)
			if !slices.Contains(r.failed, e.record.TransactionID) {
				r.failed = append(r.failed, e.record.TransactionID)
			}
		}
	}
	if len(r.failed) > mostFailed {
		return fmt.Errorf("more than %d transactions could not be stored: see to the store, then run this again", mostFailed)
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
		return fmt.Errorf("%w after line %d: run this again to go on", ErrInterrupted, r.done.Line)
	}
	return nil
}

// record tries the batch until the store has taken it, or some of it will not be taken.
func (r *run) record(ctx context.Context) error {
	r.put(ctx, func(entry) bool { return true })
	wait := firstWait
	for try := 1; ; try++ {
		var failed []int64
		var cause error
		for _, e := range r.batch {
			if forbidden(e.result.Err) {
				return fmt.Errorf("line %d: %w", e.line, e.result.Err)
			}
			if e.result.Outcome == outcome.Transient {
				failed, cause = append(failed, e.record.TransactionID), e.result.Err
			}
		}
		switch {
		case len(failed) == 0, try == tries && len(failed) < len(r.batch):
			return nil
		case try == tries:
			return fmt.Errorf("nothing of lines %d to %d was stored, run this again to go on: %w",
				r.batch[0].line, r.batch[len(r.batch)-1].line, cause)
		case !pace.Sleep(ctx, wait):
			return fmt.Errorf("%w while the store failed, run this again to go on: %w", ErrInterrupted, cause)
		}
		wait *= 2
		// All of a transaction's records, for a later one may have been stored.
		r.put(ctx, func(e entry) bool { return slices.Contains(failed, e.record.TransactionID) })
	}
}

// put records what is wanted of the batch, once.
func (r *run) put(ctx context.Context, wanted func(entry) bool) {
	var places []int
	var some []sweep.Record
	for i, e := range r.batch {
		if wanted(e) {
			places, some = append(places, i), append(some, e.record)
		}
	}
	for i, result := range r.Recorder.Record(context.WithoutCancel(ctx), some) {
		r.batch[places[i]].result = result
	}
}

// forbidden reports whether no record at all can be stored until a person acts.
func forbidden(err error) bool {
	return errors.Is(err, store.ErrForbidden)
}
