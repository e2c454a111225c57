package main

import (
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// However long the project's own path is, the kernel must take the paths of the sockets of
// the engine and of its containerd.
func TestSocketsHaveShortPaths(t *testing.T) {
	t.Parallel()
	limit := len(unix.RawSockaddrUnix{}.Path) - 1 // it ends with a zero
	longest := runPrefix + strconv.FormatUint(math.MaxUint32, 10)
	for _, length := range []int{1, 25, 200} {
		sockets := socketFolder(filepath.Join("/", strings.Repeat("p", length), engineFolder, longest))
		for _, socket := range []string{
			"docker.sock", "exec/metrics.sock", "exec/containerd/containerd.sock.ttrpc", "exec/containerd/containerd-debug.sock",
			"exec/libnetwork/0123456789ab.sock",
		} {
			if path := filepath.Join(sockets, socket); len(path) > limit {
				t.Errorf("%s has %d characters, more than %d", path, len(path), limit)
			}
		}
	}
}
