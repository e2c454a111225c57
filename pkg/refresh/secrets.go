package refresh

import (
	"context"
	"errors"
	"fmt"

	"tokenrefresh/pkg/secret"
)

// Key names a credential.
type Key struct {
	Provider string
	Account  string
}

// String is "provider/account".
func (k Key) String() string { return k.Provider + "/" + k.Account }

// Document is one of the three secrets of a credential.
type Document string

// The documents.
const (
	Credentials Document = "credentials" // written by people
	TokensDoc   Document = "tokens"      // the chain: refresh and access token
	AccessDoc   Document = "access"      // the access token alone, for readers
)

// Namer is a Secrets whose documents have names that people know them by.
type Namer interface {
	// Name is the name of the secret.
	Name(key Key, doc Document) string
}

// NameOf is the name of a document for people: that of its store, or
// provider/account/document.
func NameOf(secrets any, key Key, doc Document) string {
	if n, ok := secrets.(Namer); ok {
		return n.Name(key, doc)
	}
	return fmt.Sprintf("%s/%s", key, doc)
}

// Version is one immutable value of a document.
type Version struct {
	ID    string
	Value secret.String
}

// Errors of Secrets. Any other error is passing trouble and may mean that a write
// was done although it failed.
var (
	// ErrNoSecret: the secret itself does not exist, or is scheduled for deletion.
	ErrNoSecret = errors.New("the secret does not exist")
	// ErrNoValue: the secret exists and has no current version yet.
	ErrNoValue = errors.New("the secret has no value yet")
	// ErrNoVersion: the secret has no version of that id.
	ErrNoVersion = errors.New("the secret has no such version")
	// ErrVersionTaken: a version of that id exists and holds another value.
	ErrVersionTaken = errors.New("the version id is taken by another value")
	// ErrQuota: the store keeps no further version for now.
	ErrQuota = errors.New("the secret is at its quota of versions")
	// ErrMalformed: the value is not a text.
	ErrMalformed = errors.New("the secret holds no text")
	// ErrForbidden: a permission or key is missing; a person must act.
	ErrForbidden = errors.New("access is denied")
)

// MovedError is Promote's answer where the current version is neither the one to
// replace nor the one to promote: somebody else was faster, and theirs stands.
type MovedError struct {
	Current string // id of the version that is current; empty: none
}

// Error implements error.
func (e *MovedError) Error() string {
	return fmt.Sprintf("another version is current: %q", e.Current)
}

// Secrets is the store of documents. A version is staged first and made current
// by Promote, which is the only compare-and-swap. Reads of the current version
// may be stale; reads by id are not.
type Secrets interface {
	// Current returns the current version. ErrNoSecret, ErrNoValue, ErrMalformed,
	// ErrForbidden.
	Current(ctx context.Context, key Key, doc Document) (Version, error)
	// CurrentID returns the id of the current version without reading its value;
	// empty where there is none. ErrNoSecret, ErrForbidden.
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
