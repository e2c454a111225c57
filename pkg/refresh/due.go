package refresh

import (
	"context"
	"errors"
	"time"

	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// dueTries is how often DueNow starts again because the row has changed meanwhile.
const dueTries = 5

// DueNow makes a credential due, so that the next tick reads what a person has put into its
// secrets. It changes neither the fence nor a wait that a provider has asked for. It leaves a
// credential under a claim alone: that run sees an edit by itself. If there is no row it makes
// one, except beside tokens that an attempt wrote: their row was lost, and a new one would not
// know what was presented.
//
// It returns the row as it is afterwards; exists is false if there is none.
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

// writtenByAttempt reports whether an attempt may have written the current version of tokens.
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

// TakeAgain makes an idle row count a token as not presented: its issuer takes a token again without
// end (providers.Always), and a person says that this one is good. *store.LostError: a run has begun
// since row was read.
func TakeAgain(ctx context.Context, ledger store.Ledger, row store.Row, token secret.String) error {
	return write(ctx, ledger, unspent(row, token), row.Unchanged())
}
