// Package home opens the home of state that an operator names: AWS or a file.
package home

import (
	"context"
	"fmt"
	"strings"
	"time"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/pkg/reader"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// Table is the name on AWS of a provider's table of transactions.
func (o Options) Table(provider string) string {
	entry, _ := catalog.Find(provider)
	if entry.Table != "" {
		return o.TransactionsTable
	}
	return o.TablePrefix + "-" + entry.TransactionsTable()
}

// Kind is a sort of home.
type Kind string

// The kinds.
const (
	AWS      Kind = "aws"
	Embedded Kind = "embedded"
)

// Options name a home.
type Options struct {
	Kind Kind

	// Of the embedded home.
	State    string // file
	Existing bool   // it must exist: nothing is created

	// Of AWS. Region and Profile may be empty: AWS's own variables and files name them.
	SecretPrefix      string
	LedgerTable       string
	TransactionsTable string // of the first provider that has them
	TablePrefix       string // begins the names of the others' tables
	Region            string
	Endpoint          string // of an emulated AWS; empty: AWS_ENDPOINT_URL, else AWS
	Profile           string
	KMSKey            string // of secrets that are created
	Connections       int    // calls at once to each service; 0: a few
	Watch             *Watch // sees the calls; nil: none
}

// Editor does to secrets and rows what people do.
type Editor interface {
	// CreateSecret makes a secret without any version; one that exists stays as it is.
	CreateSecret(ctx context.Context, key store.Key, doc store.Document) error
	// PutCurrent writes a new version, current at once, and returns its id.
	PutCurrent(ctx context.Context, key store.Key, doc store.Document, value secret.String) (string, error)
	// SecretOwner returns the stack that created a secret; empty: none did. store.ErrNoSecret.
	SecretOwner(ctx context.Context, key store.Key, doc store.Document) (string, error)
	// RemoveSecret removes a secret and returns when it is gone for good: on AWS after some days,
	// in a file at once. store.ErrNoSecret.
	RemoveSecret(ctx context.Context, key store.Key, doc store.Document, days int) (time.Time, error)
	// RemoveRow removes a row, unless it was claimed since it was read (*store.LostError).
	RemoveRow(ctx context.Context, row store.Row) error
}

// Ledger holds rows and claims.
type Ledger interface {
	store.Ledger
	store.ShardClaims
}

// Transactions holds transactions, and finds the dead ones.
type Transactions interface {
	store.Transactions
	store.DeadTransactions
}

// Home is an open home.
type Home struct {
	// Name identifies this home, for people and programs.
	Name    string
	Secrets store.Secrets
	Ledger  Ledger
	Editor  Editor
	// Transactions are those of a provider alone: the numbers of others may be the same.
	Transactions func(provider string) Transactions
	// Access is the source of an account's published access token, and TransactionToken that of a
	// transaction's.
	Access           func(key store.Key) reader.Source
	TransactionToken func(provider string, id int64) reader.Source

	// Fault is the last trouble with the home itself that needs a person. An operation that failed
	// need not have one.
	Fault func() error
	// TryWrite checks that a file can be written, by writing. It changes nothing visible. nil on AWS.
	TryWrite func(ctx context.Context) error
}

// Command is a tokenctl command about an account, as people type it. flags are those that name the
// home.
func Command(verb string, key store.Key, flags string) string {
	words := "tokenctl " + verb + " --provider " + key.Provider
	if key.Account != "default" {
		words += " --account " + key.Account
	}
	return strings.TrimSpace(words + " " + flags)
}

// Open opens a home. Nothing stays open, so there is nothing to close. AWS is not called yet,
// unless a profile makes credentials on the spot.
func Open(ctx context.Context, o Options) (*Home, error) {
	switch o.Kind {
	case AWS:
		return openAWS(ctx, o)
	case Embedded:
		return openEmbedded(ctx, o)
	}
	return nil, fmt.Errorf("there is no home %q: use %s or %s", o.Kind, AWS, Embedded)
}
