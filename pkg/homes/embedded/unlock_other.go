//go:build !linux && !darwin

package embedded

import "os"

// abandon lets go of a file that bbolt cannot close any more, as far as the system does.
func abandon(file *os.File) error { return file.Close() }
