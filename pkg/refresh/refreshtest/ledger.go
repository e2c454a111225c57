package refreshtest

import (
	"cmp"
	"context"
	"slices"
	"time"

	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// Ledger models the table of rows.
type Ledger struct {
	world *World
	rows  map[store.Key]store.Row
	past  map[store.Key][]store.Row // all rows that were written, in order
}

// Get returns a row; zero where there is none.
func (l *Ledger) Get(key store.Key) store.Row {
	defer l.world.lock()()
	return l.rows[key]
}

// Set stores a row as it is: a restored backup.
func (l *Ledger) Set(row store.Row) {
	defer l.world.lock()()
	l.rows[row.Key] = stored(row)
}

// Past lists the rows that processes have written, in order: what a backup may hold.
func (l *Ledger) Past(key store.Key) []store.Row {
	defer l.world.lock()()
	return slices.Clone(l.past[key])
}

// Restore puts a row from a backup in place of the row, if there is one.
func (l *Ledger) Restore(backup store.Row) {
	defer l.world.lock()()
	l.rows[backup.Key] = stored(backup)
	l.world.did(RowLost, "", secret.String{})
}

// Delete loses a row.
func (l *Ledger) Delete(key store.Key) {
	defer l.world.lock()()
	delete(l.rows, key)
	l.world.did(RowLost, "", secret.String{})
}

// Pause does what SetPaused does, through no process.
func (l *Ledger) Pause(key store.Key, paused bool) {
	defer l.world.lock()()
	l.pause(key, paused)
}

func (l *Ledger) pause(key store.Key, paused bool) {
	row, ok := l.rows[key]
	if !ok {
		row = store.Row{Key: key, Phase: store.Idle}
	}
	row.Paused = paused
	l.rows[key] = row
}

// stored is row as a store returns it: times in UTC, to the millisecond.
func stored(row store.Row) store.Row {
	for _, t := range []*time.Time{
		&row.ClaimedUntil, &row.Escrow.Sent, &row.RefreshAt, &row.NotBefore, &row.LoginNotBefore,
		&row.IssuedAt, &row.ClaimSeenAt, &row.RejectedAt,
		&row.AccessExpiresAt, &row.RefreshExpiresAt, &row.LastSuccessAt,
	} {
		*t = t.UTC().Truncate(time.Millisecond)
	}
	row.Spent = store.UnpackSpent(store.PackSpent(slices.Clone(row.Spent)))
	return row
}

// ledgerPort is a process's way to the Ledger.
type ledgerPort struct{ p *process }

func (l ledgerPort) Rows(ctx context.Context, provider string) ([]store.Row, error) {
	var rows []store.Row
	err := l.p.call(ctx, Site{Op: Rows}, store.Key{Provider: provider}, func(Fault) error {
		defer l.p.world.lock()()
		for key, row := range l.p.world.Ledger.rows {
			if key.Provider == provider {
				rows = append(rows, stored(row))
			}
		}
		slices.SortFunc(rows, func(a, b store.Row) int { return cmp.Compare(a.Account, b.Account) })
		return nil
	})
	return rows, err
}

func (l ledgerPort) Row(ctx context.Context, key store.Key) (store.Row, bool, error) {
	var row store.Row
	var ok bool
	err := l.p.call(ctx, Site{Op: RowOf}, key, func(Fault) error {
		defer l.p.world.lock()()
		row, ok = l.p.world.Ledger.rows[key]
		row = stored(row)
		return nil
	})
	return row, ok, err
}

func (l ledgerPort) Write(ctx context.Context, row store.Row, guard store.Guard) error {
	row = stored(row)
	return l.p.call(ctx, Site{Op: Write}, row.Key, func(Fault) error {
		defer l.p.world.lock()()
		rows := l.p.world.Ledger.rows
		current, exists := rows[row.Key]
		if !holds(guard, current, exists) {
			return &store.LostError{Current: stored(current), Exists: exists}
		}
		if row.Fence < current.Fence {
			l.p.world.wrong("the fence went back from %d to %d", current.Fence, row.Fence)
		}
		if row.Phase == store.Sending && row.Fence > current.Fence {
			l.p.world.claimant[row.Key] = l.p.number
		}
		row.Paused, row.Told = current.Paused, current.Told
		rows[row.Key] = row
		l.p.world.Ledger.past[row.Key] = append(l.p.world.Ledger.past[row.Key], row)
		if row.Phase == store.Sending && row.Fence > current.Fence {
			claimed := Deed{Kind: Claimed, ID: row.AttemptID, Base: row.BaseVersionID}
			if n := len(row.Spent); n > 0 {
				claimed.Spent = row.Spent[n-1]
			}
			l.p.world.deeds = append(l.p.world.deeds, claimed)
		}
		if e := row.Escrow; e.AttemptID != "" && !e.Raw && e != current.Escrow {
			l.p.world.did(Stored, e.AttemptID, e.Bytes)
		}
		return nil
	})
}

func holds(g store.Guard, row store.Row, exists bool) bool {
	if g.Absent || !exists {
		return g.Absent && !exists
	}
	return g.Fence == row.Fence && (g.AttemptID == "" || g.AttemptID == row.AttemptID) && (g.Phase == "" || g.Phase == row.Phase) &&
		(!g.SameEscrow || g.EscrowOf == row.Escrow.AttemptID)
}

func (l ledgerPort) SetPaused(ctx context.Context, key store.Key, paused bool) error {
	return l.p.call(ctx, Site{Op: "SetPaused"}, key, func(Fault) error {
		defer l.p.world.lock()()
		l.p.world.Ledger.pause(key, paused)
		return nil
	})
}

func (l ledgerPort) SetTold(ctx context.Context, key store.Key, told string) error {
	return l.p.call(ctx, Site{Op: "SetTold"}, key, func(Fault) error {
		defer l.p.world.lock()()
		rows := l.p.world.Ledger.rows
		if row, ok := rows[key]; ok {
			row.Told = told
			rows[key] = row
		}
		return nil
	})
}
