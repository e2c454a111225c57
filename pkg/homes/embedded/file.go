package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"
)

const (
	// lockWait is how long an operation waits for another process. A transaction
	// takes milliseconds, so whoever holds the file longer is stuck or stopped.
	lockWait = 10 * time.Second
	// lockRetry is the pause between two tries: short, because the file is free only
	// for moments while another process works through a list.
	lockRetry = 2 * time.Millisecond
)

// errUnchanged ends an update that has nothing to write, and is no error.
var errUnchanged = errors.New("nothing to write")

// file runs transactions for one port.
type file struct {
	home *Home
	// forbidden is the port's error for a missing permission.
	forbidden error
}

// view runs do in a transaction that only reads.
func (f file) view(ctx context.Context, do func(tx *bbolt.Tx) error) error {
	return f.run(ctx, newOperation(true, do))
}

// update runs do in a transaction that is on disk when update returns, or, if do
// returns an error, never was. It may share it with others, and be called again.
func (f file) update(ctx context.Context, do func(tx *bbolt.Tx) error) error {
	err := f.run(ctx, newOperation(false, do))
	if errors.Is(err, errUnchanged) {
		return nil
	}
	return err
}

func (f file) run(ctx context.Context, op *operation) error {
	err := f.home.queue.run(ctx, op, func() (*bbolt.DB, error) { return f.lock(ctx, op.readOnly) })
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("embedded home %s: %w: %w", f.home.path, f.forbidden, err)
	default:
		return fmt.Errorf("embedded home %s: %w", f.home.path, err)
	}
}

// lock opens the file as soon as no other process holds it. bbolt can wait by
// itself, but neither for a context nor in steps shorter than 50 ms.
func (f file) lock(ctx context.Context, readOnly bool) (*bbolt.DB, error) {
	giveUp := time.NewTimer(lockWait)
	defer giveUp.Stop()
	for {
		db, err := bbolt.Open(f.home.path, 0o600, &bbolt.Options{
			ReadOnly: readOnly,
			Timeout:  time.Nanosecond, // try once
			OpenFile: openPrivate,
		})
		if !errors.Is(err, bbolterrors.ErrTimeout) {
			return db, err
		}
		select {
		case <-time.After(lockRetry):
		case <-giveUp.C:
			return nil, fmt.Errorf("another process has held the file for %s: let it finish or stop it, then try again", lockWait)
		case <-ctx.Done():
			return nil, fmt.Errorf("another process holds the file: %w", ctx.Err())
		}
	}
}

// openPrivate opens a file that nobody else can read. It never creates one: a file
// that has vanished must not come back without its tokens.
func openPrivate(name string, flag int, mode fs.FileMode) (*os.File, error) {
	file, err := os.OpenFile(name, flag&^os.O_CREATE, mode) //nolint:gosec // the operator names it
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the file is gone: put it back, or start anew with a new one: %w", err)
	}
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = errors.New("it is not a regular file: name another one")
	case info.Mode().Perm()&0o077 != 0:
		err = fmt.Errorf("others may read its tokens (mode %04o): run `chmod 600 %s`: %w", info.Mode().Perm(), name, fs.ErrPermission)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}
