package sweep_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
	"tokenrefresh/pkg/sweep"
)

// model is the world seen through the ports.
type model struct{ *world }

var (
	_ store.Transactions     = model{}
	_ store.DeadTransactions = model{}
	_ sweep.Ledger           = model{}
	_ sweep.Secrets          = model{}
	_ providers.Provider     = model{}
)

func (m model) Due(ctx context.Context, account string, shard, limit int, now time.Time) ([]store.Due, error) {
	var due []store.Due
	err := m.call(ctx, opDue, account, func() error {
		for id, row := range m.rows {
			expired := !row.ExpiresAt.IsZero() && !now.Before(row.ExpiresAt)
			if row.Account == account && store.ShardOf(id) == shard && row.Status == store.StatusActive && !row.RefreshAt.IsZero() && !expired {
				due = append(due, store.Due{
					ID: id, RefreshAt: row.RefreshAt, AccessExpiresAt: row.AccessExpiresAt, Failures: row.Failures,
				})
			}
		}
		return nil
	})
	slices.SortFunc(due, func(a, b store.Due) int { return a.RefreshAt.Compare(b.RefreshAt) })
	return due[:min(limit, len(due))], err
}

func (m model) Get(ctx context.Context, id int64) (row store.Transaction, found bool, err error) {
	err = m.call(ctx, opGet, fmt.Sprint(id), func() error {
		row, found = m.rows[id]
		return nil
	})
	return row, found, err
}

func (m model) GetMany(ctx context.Context, ids []int64) (map[int64]store.Read, error) {
	rows := make(map[int64]store.Read, len(ids))
	err := m.call(ctx, opMany, fmt.Sprint(ids), func() error {
		for _, id := range ids {
			row, found := m.rows[id]
			rows[id] = store.Read{Transaction: row, Found: found, Err: m.Unreadable[id]}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return rows, nil
}

func (m model) Update(ctx context.Context, t store.Transaction, presented secret.String) error {
	return m.call(ctx, opUpdate, fmt.Sprint(t.ID), func() error {
		row, found := m.rows[t.ID]
		if !found || row.RefreshToken != presented {
			return store.ErrChanged
		}
		row.RefreshToken, row.AccessToken, row.ClientToken = t.RefreshToken, t.AccessToken, t.ClientToken
		row.AccessExpiresAt, row.RefreshAt = stored(t.AccessExpiresAt), stored(t.RefreshAt)
		row.Status, row.Failures = t.Status, t.Failures
		row.Refusals, row.RefusedAt = t.Refusals, stored(t.RefusedAt)
		m.rows[t.ID] = row
		return nil
	})
}

func (m model) Put(ctx context.Context, t store.Transaction, now time.Time) (recorded bool, err error) {
	for _, at := range []*time.Time{&t.AccessExpiresAt, &t.RecordedAt, &t.RefreshAt, &t.ExpiresAt, &t.RefusedAt} {
		*at = stored(*at)
	}
	err = m.call(ctx, opPut, fmt.Sprint(t.ID), func() error {
		if at := m.rows[t.ID].RecordedAt; at.After(t.RecordedAt) && !at.After(now.Add(store.MaxAhead)) {
			return nil
		}
		m.rows[t.ID], recorded = t, true
		return nil
	})
	return recorded && err == nil, err
}

func (m model) Dead(
	ctx context.Context, account string, shard int, span store.Span, now time.Time,
) iter.Seq2[store.DeadEntry, error] {
	return m.dead(ctx, account, now, func(row store.Transaction) bool {
		return store.ShardOf(row.ID) == shard && !row.RefusedAt.IsZero() && span.Contains(row.RefusedAt)
	})
}

func (m model) DeadUndated(ctx context.Context, account string, now time.Time) iter.Seq2[store.DeadEntry, error] {
	return m.dead(ctx, account, now, func(row store.Transaction) bool { return row.RefusedAt.IsZero() })
}

// dead yields the dead rows of an account that satisfy which, the latest first.
func (m model) dead(
	ctx context.Context, account string, now time.Time, which func(store.Transaction) bool,
) iter.Seq2[store.DeadEntry, error] {
	return func(yield func(store.DeadEntry, error) bool) {
		var found []store.DeadEntry
		err := m.call(ctx, opDead, account, func() error {
			for _, row := range m.rows {
				expired := !row.ExpiresAt.IsZero() && !now.Before(row.ExpiresAt)
				if row.Account == account && row.Status == store.StatusDead && !expired && which(row) {
					found = append(found, store.DeadEntry{ID: row.ID, MarkedAt: row.RefusedAt})
				}
			}
			return nil
		})
		if err != nil {
			yield(store.DeadEntry{}, err)
			return
		}
		slices.SortFunc(found, func(a, b store.DeadEntry) int { return b.MarkedAt.Compare(a.MarkedAt) })
		for _, one := range found {
			if !yield(one, nil) {
				return
			}
		}
	}
}
