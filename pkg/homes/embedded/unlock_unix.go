//go:build linux || darwin

package embedded

import (
	"errors"
	"os"
	"syscall"
)

// abandon releases a file that bbolt can no longer close. Closing is not enough: the mapped memory
// keeps the lock.
func abandon(file *os.File) error {
	return errors.Join(syscall.Flock(int(file.Fd()), syscall.LOCK_UN), file.Close())
}
