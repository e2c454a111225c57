package store

import (
	"context"
	"time"

	"tokenrefresh/pkg/secret"
)

// Version is one immutable value of a document.
type Version struct {
	ID    string
	Value secret.String
	// Age is how long the store had held the version when it was read, by the store's own clock; 0:
	// not known.
	Age time.Duration
}

// Secrets is the store of documents. A version is staged first and made current
// by Promote, which is the only compare-and-swap. Reads of the current version
// may be stale; reads by id are not.
type Secrets interface {
	// Current returns the current version. ErrNoSecret, ErrNoValue, ErrMalformed,
	// ErrForbidden.
	Current(ctx context.Context, key Key, doc Document) (Version, error)
	// CurrentID returns the id of the current version without reading its value;
	// empty if there is none. ErrNoSecret, ErrForbidden.
	CurrentID(ctx context.Context, key Key, doc Document) (string, error)
	// ByID returns the version with that id, whatever its labels. ErrNoVersion,
	// ErrNoSecret, ErrMalformed, ErrForbidden.
	ByID(ctx context.Context, key Key, doc Document, id string) (Version, error)
	// Stage stores a version that is not current yet. The same id with the same
	// value is a success, however often; ErrVersionTaken with another value. A
	// document's very first version becomes current by itself, which current
	// reports. ErrQuota, ErrNoSecret, ErrForbidden.
	Stage(ctx context.Context, key Key, doc Document, v Version) (current bool, err error)
	// Promote makes version to current if version from is (empty: if none is).
	// Success if to is current already. *MovedError, ErrNoVersion, ErrNoSecret,
	// ErrForbidden.
	Promote(ctx context.Context, key Key, doc Document, from, to string) error
}
