package main

import (
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
	"gotest.tools/v3/assert"
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
			path := filepath.Join(sockets, socket)
			assert.Check(t, len(path) <= limit, "%s has %d characters, more than %d", path, len(path), limit)
		}
	}
}
