// Package records loads files of Berbix transactions: a line a record.
package records

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"tokenrefresh/internal/operator/bulk"
	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/store"
	"tokenrefresh/pkg/sweep"
)

// batchSize is how many records are under way at once.
const batchSize = 1024

// Recorder records batches, each record for itself and those of one transaction in
// their order. A sweep.Engine is one.
type Recorder interface {
	Record(ctx context.Context, records []sweep.Record) []sweep.Recorded
}

// Load is a load of records that lacks its text. account is that of records that name none; empty:
// as stored, or the default.
func Load(recorder Recorder, format Format, account string) *bulk.Load[sweep.Record] {
	return &bulk.Load[sweep.Record]{
		Batch: batchSize, ID: func(r sweep.Record) string { return strconv.FormatInt(r.TransactionID, 10) },
		Put: func(ctx context.Context, batch []sweep.Record) []bulk.Result {
			results := make([]bulk.Result, len(batch))
			for i, r := range recorder.Record(ctx, batch) {
				results[i] = bulk.Result{End: endOf(r.Outcome), Err: r.Err}
			}
			return results
		},
		Begin: func(lines *bulk.Lines, began time.Time) (bulk.Decoder[sweep.Record], error) {
			decode, err := format.decoder(lines)
			return func(line []byte) (sweep.Record, error) {
				e, err := decode(line)
				if e.RecordedAt.IsZero() {
					e.RecordedAt = began
				}
				return sweep.Record{
					TransactionID: e.TransactionID, Account: cmp.Or(e.Account, account), RefreshToken: e.RefreshToken,
					CustomerUID: e.CustomerUID, Status: store.Status(e.Status), RecordedAt: e.RecordedAt, ExpiresAt: e.ExpiresAt,
				}, err
			}, err
		},
	}
}

func endOf(what outcome.Outcome) bulk.End {
	switch what {
	case outcome.Recorded:
		return bulk.Stored
	case outcome.Superseded:
		return bulk.Passed
	case outcome.Misconfigured:
		return bulk.Refused
	default: // the store failed, perhaps for a while
		return bulk.Failed
	}
}

// accounts is a Recorder that remembers which accounts are in the ledger. The engine alone would
// write an account's row for every new transaction.
type accounts struct{ sweep.Engine }

// Accounts makes a recorder of an engine that writes the row of an account once. It reads the
// ledger now.
func Accounts(ctx context.Context, engine *sweep.Engine) (Recorder, error) {
	rows, _, err := engine.Ledger.RowsAndShardClaims(ctx, engine.Provider.Name())
	a := &accounts{*engine}
	for _, row := range rows {
		a.know(row.Account)
	}
	return a, err
}

// Record implements Recorder.
func (a *accounts) Record(ctx context.Context, records []sweep.Record) []sweep.Recorded {
	results := a.Engine.Record(ctx, records)
	for i, r := range results {
		if account := records[i].Account; account != "" && r.Outcome == outcome.Recorded {
			a.know(account)
		}
	}
	return results
}

func (a *accounts) know(account string) {
	if !slices.Contains(a.Accounts, account) {
		a.Accounts = append(slices.Clone(a.Accounts), account)
	}
}
