//go:build linux || darwin

package doctor

import "golang.org/x/sys/unix"

// freeBytes is the room that a directory has for a user without privileges.
func freeBytes(dir string) (uint64, error) {
	var about unix.Statfs_t
	if err := unix.Statfs(dir, &about); err != nil {
		return 0, err
	}
	return about.Bavail * uint64(about.Bsize), nil
}
