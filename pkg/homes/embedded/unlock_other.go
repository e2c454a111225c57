//go:build !linux && !darwin

package embedded

import "os"

// abandon releases a file that bbolt can no longer close, as far as the system does.
func abandon(file *os.File) error { return file.Close() }
