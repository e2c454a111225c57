package sweep_test

import (
	"cmp"
	"context"
	"slices"
	"time"

	"tokenrefresh/pkg/store"
)

func (m model) RowsAndShardClaims(ctx context.Context, provider string) ([]store.Row, []store.ShardClaim, error) {
	var rows []store.Row
	var claims []store.ShardClaim
	err := m.call(ctx, opRows, provider, func() error {
		for key, row := range m.ledger {
			if key.Provider == provider {
				rows = append(rows, row)
			}
		}
		for key, claim := range m.claims {
			if key.Provider == provider {
				claims = append(claims, claim)
			}
		}
		return nil
	})
	slices.SortFunc(rows, func(a, b store.Row) int { return cmp.Compare(a.Account, b.Account) })
	return rows, claims, err
}

func (m model) Rows(ctx context.Context, provider string) ([]store.Row, error) {
	rows, _, err := m.RowsAndShardClaims(ctx, provider)
	return rows, err
}

func (m model) WriteShardClaim(ctx context.Context, claim store.ShardClaim) error {
	claim.Until = claim.Until.UTC().Truncate(time.Millisecond)
	key := store.ShardKey(claim.Account, claim.Shard)
	return m.call(ctx, opWrite, key.Account, func() error {
		if current := m.claims[key]; current.Fence != claim.Fence-1 {
			return &store.ShardClaimLostError{Current: current}
		}
		m.claims[key] = claim
		return nil
	})
}

func (m model) Row(ctx context.Context, key store.Key) (row store.Row, found bool, err error) {
	err = m.call(ctx, "Row", key.Account, func() error {
		row, found = m.ledger[key]
		return nil
	})
	return row, found, err
}

func (m model) Write(ctx context.Context, row store.Row, guard store.Guard) error {
	for _, at := range []*time.Time{
		&row.ClaimedUntil, &row.Escrow.Sent, &row.RefreshAt, &row.NotBefore,
		&row.AccessExpiresAt, &row.RefreshExpiresAt, &row.LastSuccessAt,
	} {
		*at = at.UTC().Truncate(time.Millisecond)
	}
	return m.call(ctx, opWrite, row.Account, func() error {
		current, exists := m.ledger[row.Key]
		if !guard.Holds(current, exists) {
			return &store.LostError{Current: current, Exists: exists}
		}
		row.Paused, row.Told = current.Paused, current.Told
		m.ledger[row.Key] = row
		return nil
	})
}

func (m model) SetPaused(ctx context.Context, key store.Key, paused bool) error {
	return m.call(ctx, "SetPaused", key.Account, func() error {
		row, exists := m.ledger[key]
		if !exists {
			row = store.Row{Key: key, Phase: store.Idle}
		}
		row.Paused = paused
		m.ledger[key] = row
		return nil
	})
}

func (m model) SetTold(ctx context.Context, key store.Key, told string) error {
	return m.call(ctx, "SetTold", key.Account, func() error {
		if row, exists := m.ledger[key]; exists {
			row.Told = told
			m.ledger[key] = row
		}
		return nil
	})
}
