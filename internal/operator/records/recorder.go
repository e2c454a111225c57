package records

import (
	"context"
	"slices"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/sweep"
)

// Recorder records batches, each record for itself and those of one transaction in
// their order. A sweep.Engine is one.
type Recorder interface {
	Record(ctx context.Context, records []sweep.Record) []sweep.Recorded
}

// Accounts is a Recorder that remembers which accounts are in the ledger. The engine alone would
// write an account's row for every new transaction.
type Accounts struct{ engine sweep.Engine }

// NewAccounts makes a recorder of an engine, which need not be complete, and reads the
// ledger once.
func NewAccounts(ctx context.Context, engine *sweep.Engine) (*Accounts, error) {
	rows, _, err := engine.Ledger.RowsAndShardClaims(ctx, engine.Provider.Name())
	if err != nil {
		return nil, err
	}
	a := &Accounts{*engine}
	for _, row := range rows {
		a.know(row.Account)
	}
	return a, nil
}

// Record implements Recorder.
func (a *Accounts) Record(ctx context.Context, records []sweep.Record) []sweep.Recorded {
	results := a.engine.Record(ctx, records)
	for i, r := range results {
		if account := records[i].Account; account != "" && r.Outcome == outcome.Recorded {
			a.know(account)
		}
	}
	return results
}

func (a *Accounts) know(account string) {
	if !slices.Contains(a.engine.Accounts, account) {
		a.engine.Accounts = append(slices.Clone(a.engine.Accounts), account)
	}
}
