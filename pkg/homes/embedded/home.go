// Package embedded is the home of state on a single machine: one bbolt file that
// holds secrets, ledger and transactions.
//
// The file is opened for each transaction and closed again, never held across a
// call to a provider, so that several processes can work on it side by side: bbolt
// locks it while it is open, and an operation waits for the lock. Every write is
// synced to disk before it is reported as done.
//
// Not guaranteed: secrecy from who can read the file. It is plain text, kept at
// mode 0600. Locks do not work on every network file system: use a local disk.
package embedded

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"

	"tokenrefresh/pkg/store"
)

// format is written into a new file. A file of another format is refused.
const format = "token-refresh 1"

// The buckets of the file. The layout within each is told where it is used.
var (
	aboutBucket        = []byte("about") // "format": format
	secretsBucket      = []byte("secrets")
	ledgerBucket       = []byte("ledger")
	transactionsBucket = []byte("transactions")
	dueBucket          = []byte("due")
	expiryBucket       = []byte("expiry")
)

var formatKey = []byte("format")

var errForeign = errors.New("it is not a file of token-refresh: name another file")

// Home is a file of state. It is safe for concurrent use.
type Home struct {
	path  string
	queue *queue
}

// Open checks the file, or creates it at mode 0600 with the directory it lies in at
// mode 0700. Nothing stays open, so there is nothing to close. It refuses a file
// that others can read (fs.ErrPermission) and one that is not its own.
func Open(ctx context.Context, path string) (*Home, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("embedded home: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("embedded home %s: create its directory: %w", path, err)
	}
	if err := create(path); err != nil {
		return nil, fmt.Errorf("embedded home %s: %w", path, err)
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return nil, fmt.Errorf("embedded home: %w", err)
	}
	home := &Home{path, queueOf(path)}
	if err := home.prepare(ctx); err != nil {
		return nil, err
	}
	return home, nil
}

// OpenExisting is Open for who only reads: it makes and writes nothing. fs.ErrNotExist
// where there is no file.
func OpenExisting(ctx context.Context, path string) (*Home, error) {
	path, err := filepath.Abs(path)
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return nil, fmt.Errorf("embedded home: %w", err)
	}
	home := &Home{path, queueOf(path)}
	err = file{home, fs.ErrPermission}.view(ctx, func(tx *bbolt.Tx) error {
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

// create makes an empty file where there is none.
func create(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // the operator names it
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return file.Close()
}

// prepare lays the buckets of a new file.
func (h *Home) prepare(ctx context.Context) error {
	return file{h, fs.ErrPermission}.update(ctx, func(tx *bbolt.Tx) error {
		if tx.Bucket(aboutBucket) != nil {
			return cmp.Or(checkFormat(tx), errUnchanged)
		}
		if name, _ := tx.Cursor().First(); name != nil {
			return errForeign
		}
		for _, name := range [][]byte{aboutBucket, secretsBucket, ledgerBucket, transactionsBucket, dueBucket, expiryBucket} {
			if _, err := tx.CreateBucket(name); err != nil {
				return err
			}
		}
		return tx.Bucket(aboutBucket).Put(formatKey, []byte(format))
	})
}

// checkFormat checks a file that is ours.
func checkFormat(tx *bbolt.Tx) error {
	if got := tx.Bucket(aboutBucket).Get(formatKey); string(got) != format {
		return fmt.Errorf("its format is %q, this program knows %q only: use the program that wrote it", got, format)
	}
	return nil
}

// Secrets is the home's store of secrets.
func (h *Home) Secrets() *Secrets { return &Secrets{file{h, store.ErrForbidden}} }

// Ledger is the home's ledger.
func (h *Home) Ledger() *Ledger { return &Ledger{file{h, store.ErrForbidden}} }

// Transactions is the home's store of transactions.
func (h *Home) Transactions() *Transactions { return &Transactions{file{h, store.ErrForbidden}} }
