package embedded

import (
	"context"
	"time"

	"go.etcd.io/bbolt"

	"tokenrefresh/pkg/store"
)

// Editor does to secrets and rows what people do.
type Editor struct{ *Secrets }

// Editor returns the editor with which people change the home.
func (h *Home) Editor() Editor { return Editor{h.Secrets()} }

// SecretOwner is empty: no stack creates what is in a file. store.ErrNoSecret.
func (e Editor) SecretOwner(ctx context.Context, key store.Key, doc store.Document) (string, error) {
	_, err := e.CurrentID(ctx, key, doc)
	return "", err
}

// RemoveSecret removes a secret with all its versions, at once and for good, and returns
// when. store.ErrNoSecret.
func (e Editor) RemoveSecret(ctx context.Context, key store.Key, doc store.Document, _ int) (time.Time, error) {
	err := e.home.update(ctx, func(tx *bbolt.Tx) error {
		if err := e.home.withVersions(key, doc, func(versions) error { return nil })(tx); err != nil {
			return err
		}
		return tx.Bucket(secretsBucket).DeleteBucket(secretName(key, doc))
	})
	return time.Now(), err
}

// RemoveRow removes a row from the ledger, unless it was claimed since it was read. A row
// that is gone already is no error. *store.LostError.
func (e Editor) RemoveRow(ctx context.Context, row store.Row) error {
	return e.home.update(ctx, func(tx *bbolt.Tx) error {
		stored, found, err := loadRow(tx, row.Key)
		switch {
		case err != nil: // no run can read it, so none has claimed it
		case !found:
			return errUnchanged
		case stored.Fence != row.Fence:
			return &store.LostError{Current: stored, Exists: true}
		}
		return tx.Bucket(ledgerBucket).Bucket([]byte(row.Provider)).Delete([]byte(row.Account))
	})
}
