// Package embedded is the home of state on a single machine: one bbolt file that
// holds secrets, ledger and transactions.
//
// The file is opened for each transaction and closed again, never held across a
// call to a provider, so that several processes can work on it side by side: bbolt
// locks it while it is open, and an operation waits for the lock. Every write is
// synced to disk before it is reported as done.
//
// It does not keep the state secret from a user who can read the file: that is plain text, kept at
// mode 0600. Locks do not work on every network file system: use a local disk.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
)

// format is written into a new file. A file of another format is refused.
const format = "token-refresh 1"

// The buckets of the file. The layout of each is described where it is used.
var (
	aboutBucket        = []byte("about") // "format": format
	secretsBucket      = []byte("secrets")
	ledgerBucket       = []byte("ledger")
	transactionsBucket = []byte("transactions")
	dueBucket          = []byte("due")
	expiryBucket       = []byte("expiry")
)

var (
	formatKey = []byte("format")
	triedKey  = []byte("tried") // when TryWrite wrote last
)

// Home is a file of state. It is safe for concurrent use.
type Home struct {
	path  string
	queue *queue
	clock clock
	fault atomic.Pointer[TroubleError]
}

// Fault is the last trouble with the file that needs a person; nil: there was none.
func (h *Home) Fault() error {
	if t := h.fault.Load(); t != nil {
		return t
	}
	return nil
}

// Open checks the file, or creates it at mode 0600 with the directory it lies in at mode 0700.
// Nothing stays open, so there is nothing to close. It refuses a file that others can read
// (fs.ErrPermission; see ModesProtect), and a file of another program.
func Open(ctx context.Context, path string) (*Home, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("state file: %w", err)
	}
	if err := create(path); err != nil {
		return nil, name(path, err)
	}
	home, err := OpenExisting(ctx, path)
	if err != nil {
		return nil, err
	}
	// Only opening it for writing shows whether it can be written.
	return home, home.update(ctx, func(*bbolt.Tx) error { return errUnchanged })
}

// OpenExisting opens read-only: it creates and writes nothing. fs.ErrNotExist if there is no file.
func OpenExisting(ctx context.Context, path string) (*Home, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("state file: %w", err)
	}
	resolved, err := filepath.EvalSymlinks(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &TroubleError{
			Kind: Missing, Path: path, err: err,
			What: "there is no state file yet", Mend: "name another with --state, or begin one with `tokenctl seed credentials`",
		}
	case err != nil:
		return nil, name(path, err)
	}
	home := &Home{path: resolved, queue: queueOf(resolved), clock: bootClock}
	err = home.view(ctx, func(tx *bbolt.Tx) error {
		if tx.Bucket(aboutBucket) == nil {
			return errForeign
		}
		return checkFormat(tx)
	})
	if err != nil {
		return nil, err
	}
	return home, nil
}

// TryWrite writes the file as an operation does, and changes nothing visible.
func (h *Home) TryWrite(ctx context.Context) error {
	return h.update(ctx, func(tx *bbolt.Tx) error {
		return tx.Bucket(aboutBucket).Put(triedKey, []byte(time.Now().UTC().Format(time.RFC3339)))
	})
}

// create makes the file if there is none. It appears whole: an empty file would count as damaged.
func create(path string) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("create its directory: %w", err)
	}
	made, err := os.MkdirTemp(dir, ".new-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(made) }()
	unnamed := filepath.Join(made, "state")
	if err := prepare(unnamed); err != nil {
		return err
	}
	switch err := os.Link(unnamed, path); {
	case errors.Is(err, fs.ErrExist): // somebody was faster
		return nil
	case err != nil: // a file system without links
		if err := os.Rename(unnamed, path); err != nil {
			return err
		}
	}
	if d, err := os.Open(dir); err == nil { //nolint:gosec // the operator names it
		_ = d.Sync() // not all systems can
		_ = d.Close()
	}
	return nil
}

// prepare makes a file with its buckets.
func prepare(path string) error {
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, name := range [][]byte{aboutBucket, secretsBucket, ledgerBucket, transactionsBucket, dueBucket, expiryBucket} {
			if _, err := tx.CreateBucket(name); err != nil {
				return err
			}
		}
		return tx.Bucket(aboutBucket).Put(formatKey, []byte(format))
	})
	return errors.Join(err, db.Close())
}

// checkFormat checks that a file is ours and of a known format.
func checkFormat(tx *bbolt.Tx) error {
	if got := tx.Bucket(aboutBucket).Get(formatKey); string(got) != format {
		return fmt.Errorf("its format is %q, and this program knows %q: %w", got, format, errNewer)
	}
	return nil
}

// Secrets is the home's store of secrets.
func (h *Home) Secrets() *Secrets { return &Secrets{h} }

// Ledger is the home's ledger.
func (h *Home) Ledger() *Ledger { return &Ledger{h} }

// Transactions is the home's store of transactions.
func (h *Home) Transactions() *Transactions { return h.TransactionsIn("") }

// TransactionsIn is a store of transactions of that name, apart from all others: providers may give
// the same ids. Empty, or "transactions": Transactions.
func (h *Home) TransactionsIn(table string) *Transactions {
	if table == string(transactionsBucket) {
		table = ""
	}
	return &Transactions{h, []byte(table)}
}
