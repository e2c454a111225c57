package embedded

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"go.etcd.io/bbolt"

	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// Secrets is a store.Secrets. Its Stage never returns store.ErrQuota: it removes the oldest version
// without a label.
type Secrets struct{ home *Home }

var _ store.Secrets = (*Secrets)(nil)

// Current implements store.Secrets.
func (s *Secrets) Current(ctx context.Context, key store.Key, doc store.Document) (store.Version, error) {
	return s.read(ctx, key, doc, func(b versions) string { return b.labelled(current) }, store.ErrNoValue)
}

// ByID implements store.Secrets.
func (s *Secrets) ByID(ctx context.Context, key store.Key, doc store.Document, id string) (store.Version, error) {
	return s.read(ctx, key, doc, func(versions) string { return id }, store.ErrNoVersion)
}

// read reads the version that id names; none is the error if there is no such version.
func (s *Secrets) read(
	ctx context.Context, key store.Key, doc store.Document, id func(versions) string, none error,
) (v store.Version, err error) {
	err = s.view(ctx, key, doc, func(b versions) error {
		var found bool
		if v, found = b.version(id(b)); !found {
			return none
		}
		return nil
	})
	return v, err
}

// CurrentID implements store.Secrets.
func (s *Secrets) CurrentID(ctx context.Context, key store.Key, doc store.Document) (string, error) {
	var id string
	err := s.view(ctx, key, doc, func(b versions) error {
		id = b.labelled(current)
		return nil
	})
	return id, err
}

// Stage implements store.Secrets.
func (s *Secrets) Stage(ctx context.Context, key store.Key, doc store.Document, v store.Version) (bool, error) {
	var isCurrent bool
	err := s.update(ctx, key, doc, func(b versions) error {
		stored, found := b.version(v.ID)
		isCurrent = b.labelled(current) == v.ID || b.labelled(current) == ""
		switch {
		case found && stored.Value != v.Value:
			return store.ErrVersionTaken
		case found:
			return errUnchanged
		case isCurrent: // the very first one
			return b.add(v, pending, current)
		default:
			return b.add(v, pending)
		}
	})
	return isCurrent && err == nil, err
}

// Promote implements store.Secrets.
func (s *Secrets) Promote(ctx context.Context, key store.Key, doc store.Document, from, to string) error {
	return s.update(ctx, key, doc, func(b versions) error {
		if _, found := b.version(to); !found {
			return store.ErrNoVersion
		}
		switch id := b.labelled(current); id {
		case to:
			return errUnchanged
		case from:
			return b.makeCurrent(to)
		default:
			return &store.MovedError{Current: id}
		}
	})
}

// CreateSecret makes a secret without any version. One that exists stays as it is.
func (s *Secrets) CreateSecret(ctx context.Context, key store.Key, doc store.Document) error {
	return s.home.update(ctx, func(tx *bbolt.Tx) error {
		all, name := tx.Bucket(secretsBucket), secretName(key, doc)
		if all.Bucket(name) != nil {
			return errUnchanged
		}
		bucket, err := all.CreateBucket(name)
		if err != nil {
			return err
		}
		for _, name := range [][]byte{versionsBucket, orderBucket, labelsBucket} {
			if _, err := bucket.CreateBucket(name); err != nil {
				return err
			}
		}
		return nil
	})
}

// PutCurrent writes a value as a person does: it is a new version, current at once,
// whose id is returned. store.ErrNoSecret.
func (s *Secrets) PutCurrent(ctx context.Context, key store.Key, doc store.Document, value secret.String) (string, error) {
	v := store.Version{ID: uuid.NewString(), Value: value}
	err := s.update(ctx, key, doc, func(b versions) error {
		if err := b.add(v); err != nil {
			return err
		}
		return b.makeCurrent(v.ID)
	})
	if err != nil {
		return "", err
	}
	return v.ID, nil
}

func (s *Secrets) view(ctx context.Context, key store.Key, doc store.Document, do func(versions) error) error {
	return s.home.view(ctx, s.home.withVersions(key, doc, do))
}

func (s *Secrets) update(ctx context.Context, key store.Key, doc store.Document, do func(versions) error) error {
	return s.home.update(ctx, s.home.withVersions(key, doc, do))
}

func (h *Home) withVersions(key store.Key, doc store.Document, do func(versions) error) func(tx *bbolt.Tx) error {
	return func(tx *bbolt.Tx) error {
		name := secretName(key, doc)
		bucket := tx.Bucket(secretsBucket).Bucket(name)
		if bucket == nil {
			return fmt.Errorf("secret %s: %w", name, store.ErrNoSecret)
		}
		err := do(versions{bucket, h.clock})
		if err != nil && !errors.Is(err, errUnchanged) {
			return fmt.Errorf("secret %s: %w", name, err)
		}
		return err
	}
}

func secretName(key store.Key, doc store.Document) []byte {
	return []byte(key.String() + "/" + string(doc))
}
