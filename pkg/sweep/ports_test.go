package sweep_test

import (
	"cmp"
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
		holds := exists && !guard.Absent && guard.Fence == current.Fence &&
			(guard.Phase == "" || guard.Phase == current.Phase) && (guard.AttemptID == "" || guard.AttemptID == current.AttemptID) &&
			(!guard.SameEscrow || guard.EscrowOf == current.Escrow.AttemptID)
		if !holds && (exists || !guard.Absent) {
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

func (m model) Current(ctx context.Context, key store.Key, doc store.Document) (v store.Version, err error) {
	err = m.call(ctx, opSecret, key.String()+"/"+string(doc), func() error {
		var found bool
		if v, found = m.secrets[key.Account]; !found {
			return store.ErrNoSecret
		}
		return nil
	})
	return v, err
}

func (model) Name() string { return provider }

// Open takes "good" and "bad" for credentials and finds out nothing more: whether
// they are right only a call shows.
func (m model) Open(credentials secret.String) (providers.Session, error) {
	switch credentials.Reveal() {
	case "good", "bad":
		return session{m.world, credentials.Reveal()}, nil
	case "placeholder":
		return nil, providers.ErrNotSeeded
	}
	return nil, fail(providers.Misconfigured)
}

type session struct {
	*world
	credentials string
}

func (session) CanLogin() bool { return false }

func (session) Login(context.Context) (providers.Tokens, error) {
	return providers.Tokens{}, providers.ErrNoLogin
}

func (session) Decode(secret.String, time.Time) (providers.Tokens, error) {
	return providers.Tokens{}, fail(providers.Unknown)
}

func (s session) Refresh(ctx context.Context, token secret.String) (providers.Tokens, error) {
	s.mu.Lock()
	s.sent = append(s.sent, token.Reveal())
	s.inFlight++
	s.most = max(s.most, s.inFlight)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.inFlight--
	}()
	err := s.call(ctx, opSend, token.Reveal(), func() error { return nil })
	switch {
	case err != nil:
		return providers.Tokens{}, fail(providers.Unknown)
	case s.credentials == "bad":
		return providers.Tokens{}, fail(providers.Misconfigured)
	case s.Reply == nil:
		return fresh(), nil
	}
	return s.Reply(token.Reveal())
}
