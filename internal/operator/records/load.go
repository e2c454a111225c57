package records

import (
	"context"
	"io"
	"strconv"
	"time"

	"tokenrefresh/internal/operator/bulk"
	"tokenrefresh/pkg/event"
	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/store"
	"tokenrefresh/pkg/sweep"
)

// batchSize is how many records are under way at once.
const batchSize = 1024

// Loader loads texts of records.
type Loader struct {
	Recorder Recorder
	Account  string // of records that name none; empty: as stored, or the default
	Target   string // identifies where the records go
	// Refused is called for each line that was not recorded. The error shows no value.
	Refused func(line int, err error)
	// Moved is called with how many bytes are done.
	Moved func(offset int64)
}

// Input is a text of records.
type Input struct {
	Text   io.Reader
	Format Format
	// Progress is the file that keeps how far the text has come, which must be an
	// io.ReadSeeker then; empty: none.
	Progress string
	Restart  bool // ignore an earlier run
}

// Summary is the result of loading a text.
type Summary struct {
	From       int `json:"from_line"`  // the first of this run
	Line       int `json:"until_line"` // the last that is done
	Recorded   int `json:"recorded"`
	Superseded int `json:"superseded"` // a later record stands
	Refused    int `json:"refused"`    // lines that must be corrected, those of earlier runs included
	Failed     int `json:"failed"`     // transactions that the store did not take; the same run again tries them
}

// Load records a text as bulk.Loader.Load does.
func (l *Loader) Load(ctx context.Context, in Input) (Summary, error) {
	loader := bulk.Loader[sweep.Record]{
		Put: l.put, ID: func(r sweep.Record) string { return strconv.FormatInt(r.TransactionID, 10) }, Batch: batchSize,
		Target: l.Target, Refused: l.Refused, Moved: l.Moved,
	}
	s, err := loader.Load(ctx, bulk.Input[sweep.Record]{
		Text: in.Text, Progress: in.Progress, Restart: in.Restart,
		Begin: func(lines *bulk.Lines, began time.Time) (bulk.Decoder[sweep.Record], error) {
			decode, err := in.Format.decoder(lines)
			return func(line []byte) (sweep.Record, error) {
				record, err := decode(line)
				return l.complete(record, began), err
			}, err
		},
	})
	return Summary{s.From, s.Line, s.Stored, s.Passed, s.Refused, s.Failed}, err
}

// put records a batch.
func (l *Loader) put(ctx context.Context, batch []sweep.Record) []bulk.Result {
	results := make([]bulk.Result, len(batch))
	for i, r := range l.Recorder.Record(ctx, batch) {
		results[i] = bulk.Result{End: bulk.Failed, Err: r.Err}
		switch r.Outcome {
		case outcome.Recorded:
			results[i].End = bulk.Stored
		case outcome.Superseded:
			results[i].End = bulk.Passed
		case outcome.Misconfigured:
			results[i].End = bulk.Refused
		default: // the store failed, perhaps for a while
		}
	}
	return results
}

// complete is the record for the engine, of a text that was begun then.
func (l *Loader) complete(e event.Record, began time.Time) sweep.Record {
	one := sweep.Record{
		TransactionID: e.TransactionID, Account: e.Account, RefreshToken: e.RefreshToken, CustomerUID: e.CustomerUID,
		Status: store.Status(e.Status), RecordedAt: e.RecordedAt, ExpiresAt: e.ExpiresAt,
	}
	if one.Account == "" {
		one.Account = l.Account
	}
	if one.RecordedAt.IsZero() {
		one.RecordedAt = began
	}
	return one
}
