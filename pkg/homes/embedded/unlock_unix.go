//go:build linux || darwin

package embedded

import (
	"errors"
	"os"
	"syscall"
)

// abandon lets go of a file that bbolt cannot close any more. Closing is not enough: the
// memory that is mapped keeps the lock.
func abandon(file *os.File) error {
	return errors.Join(syscall.Flock(int(file.Fd()), syscall.LOCK_UN), file.Close())
}
