package oauthservers

import (
	"path/filepath"
	"runtime"
	"testing"
)

// program is the path of a server's program beside this file.
func program(tb testing.TB, name string) string {
	tb.Helper()
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		tb.Fatal("no path of this file")
	}
	return filepath.Join(filepath.Dir(file), "programs", name)
}
