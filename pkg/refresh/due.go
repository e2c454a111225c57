package refresh

import (
	"context"
	"errors"
	"time"

	"tokenrefresh/pkg/store"
)

// dueTries is how often DueNow looks again at a row that changes under its hands.
const dueTries = 5

// DueNow makes a credential due, so that the next tick looks at what a person has put
// into its secrets. It touches neither fence nor phase, and no wait that a provider has
// asked for; a credential under a claim stays as it is, for its run sees an edit by
// itself. Where there is no row it makes one, but for a chain that an attempt wrote:
// its row was lost, and a new one would not know what was presented since.
//
// The row is as it stands then; exists is false where there is none.
func DueNow(
	ctx context.Context, secrets store.Secrets, ledger store.Ledger, key store.Key, now time.Time,
) (row store.Row, exists bool, err error) {
	for range dueTries {
		row, exists, err = ledger.Row(ctx, key)
		if err == nil && exists {
			err = row.Unreadable
		}
		if err != nil {
			return row, exists, err
		}
		next, guard := makeDue(row, now), row.Unchanged()
		switch {
		case !exists:
			if written, err := writtenByAttempt(ctx, secrets, key); err != nil || written {
				return row, false, err
			}
			next, guard = makeDue(store.Row{Key: key}, now), store.Guard{Absent: true}
		case row.Phase == store.Sending, !now.Before(row.RefreshAt):
			return row, true, nil
		}
		err = write(ctx, ledger, next, guard)
		if lost := (*store.LostError)(nil); !errors.As(err, &lost) {
			return next, err == nil || exists, err
		}
	}
	return row, exists, err
}

// writtenByAttempt reports whether the current version of tokens is no person's.
func writtenByAttempt(ctx context.Context, secrets store.Secrets, key store.Key) (bool, error) {
	v, err := secrets.Current(ctx, key, store.TokensDoc)
	if errors.Is(err, store.ErrNoValue) || errors.Is(err, store.ErrNoSecret) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	c, err := parseChain(v.Value)
	return c.attemptID != "" || err != nil, nil
}
