package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"
)

const (
	// lockWait is how long an operation waits for another process. A transaction takes
	// milliseconds, so a process that holds the file longer is stuck or stopped.
	lockWait = 10 * time.Second
	// lockRetry is the pause between two tries: short, because the file is free only
	// for moments while another process works through a list.
	lockRetry = 2 * time.Millisecond
	// minSize is two of the smallest possible pages.
	minSize = 2 * 4096
)

// ModesProtect reports whether a file's mode says who may read it. On Windows access lists do:
// a state file has those of the folder it lies in, and nobody checks them here.
const ModesProtect = runtime.GOOS != "windows"

// errUnchanged ends an update that has nothing to write, and is no error.
var errUnchanged = errors.New("nothing to write")

// view runs do in a transaction that only reads.
func (h *Home) view(ctx context.Context, do func(tx *bbolt.Tx) error) error {
	return h.run(ctx, newOperation(true, do))
}

// update runs do in a transaction. When update returns, it is on disk, or undone if do returned an
// error. do may share the transaction with others, and may be called again.
func (h *Home) update(ctx context.Context, do func(tx *bbolt.Tx) error) error {
	return h.run(ctx, newOperation(false, do))
}

func (h *Home) run(ctx context.Context, op *operation) error {
	err := h.queue.run(ctx, op, func() (*opened, error) { return h.lock(ctx, op.readOnly) })
	if err == nil || errors.Is(err, errUnchanged) {
		return nil
	}
	err = name(h.path, err)
	if t, ok := errors.AsType[*TroubleError](err); ok && !t.Passes() {
		h.fault.Store(t)
	}
	return err
}

// opened is the file while this process holds it.
type opened struct {
	*bbolt.DB
	file *os.File
}

// lock opens the file as soon as no other process holds it. bbolt can wait by
// itself, but neither for a context nor in steps shorter than 50 ms.
func (h *Home) lock(ctx context.Context, readOnly bool) (*opened, error) {
	giveUp := time.NewTimer(lockWait)
	defer giveUp.Stop()
	for {
		db, err := open(h.path, readOnly)
		if !errors.Is(err, bbolterrors.ErrTimeout) {
			return db, err
		}
		select {
		case <-time.After(lockRetry):
		case <-giveUp.C:
			return nil, errLocked
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", errLocked, ctx.Err())
		}
	}
}

// open opens the file and checks that it is whole. It fails at once if another process holds it.
func open(path string, readOnly bool) (*opened, error) {
	var file *os.File
	var db *bbolt.DB
	err := guard(func() (err error) {
		db, err = bbolt.Open(path, 0o600, &bbolt.Options{
			ReadOnly: readOnly,
			Timeout:  time.Nanosecond, // try once
			OpenFile: func(name string, flag int, mode fs.FileMode) (*os.File, error) {
				file, err = openPrivate(name, flag, mode)
				return file, err
			},
		})
		return err
	})
	if errors.Is(err, errDamaged) && file != nil { // bbolt has panicked, and would go on holding it
		return nil, errors.Join(err, abandon(file))
	}
	if err != nil {
		return nil, err
	}
	if err := checkPages(db, file); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &opened{db, file}, nil
}

// openPrivate opens a file that nobody else can read. It never creates one: a file that has
// vanished must not be created again without its tokens.
func openPrivate(name string, flag int, mode fs.FileMode) (*os.File, error) {
	// Without O_NONBLOCK a pipe in its place would wait for somebody at its other end.
	file, err := os.OpenFile(name, flag&^os.O_CREATE|syscall.O_NONBLOCK, mode) //nolint:gosec // the operator names it
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	switch {
	case err != nil:
	case info.IsDir():
		err = syscall.EISDIR
	case !info.Mode().IsRegular():
		err = errSpecial
	case ModesProtect && info.Mode().Perm()&0o077 != 0:
		err = &exposed{info.Mode().Perm()}
	case info.Size() == 0: // bbolt would begin anew, and forget which tokens were sent
		err = fmt.Errorf("%w: it is empty", errDamaged)
	case info.Size() < minSize:
		err = bbolterrors.ErrInvalid
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}
