package embedded

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"go.etcd.io/bbolt"
)

// guard runs do, and turns the effects of damaged pages into an error: bbolt panics on a wrong
// page, and its mapped memory faults behind the end of a file that was cut. Any other panic goes
// on.
func guard(do func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			if !ofPages(p) {
				panic(p)
			}
			err = fmt.Errorf("%w: a page is not what it should be", errDamaged)
		}
	}()
	return do()
}

// ofPages reports whether the panic of this goroutine comes from bbolt or mapped memory.
func ofPages(p any) bool {
	if _, fault := p.(interface{ Addr() uintptr }); fault {
		return true
	}
	callers := make([]uintptr, 64)
	frames := runtime.CallersFrames(callers[:runtime.Callers(3, callers)]) // from runtime.gopanic on
	for {
		frame, more := frames.Next()
		switch {
		case strings.HasPrefix(frame.Function, "go.etcd.io/bbolt"):
			return true
		case strings.HasPrefix(frame.Function, "tokenrefresh/") || !more:
			return false
		}
	}
}

// The parts of bbolt's file that checkPages reads. They are the same since 2013.
const (
	pageHeader   = 16
	metaSize     = 64
	metaPages    = 40 // how many pages the file has, in the meta
	metaChecksum = 56
)

// checkPages finds damage that bbolt ignores. Without one of its two first pages, bbolt goes back
// to the state before the last write, in which a token that was sent may count as unspent; and it
// reads behind the end of a file that was cut.
func checkPages(db *bbolt.DB, file *os.File) error {
	size := int64(db.Info().PageSize)
	for page := range int64(2) {
		var meta [metaSize]byte
		if _, err := file.ReadAt(meta[:], page*size+pageHeader); err != nil {
			return fmt.Errorf("%w: page %d cannot be read: %w", errDamaged, page, err)
		}
		sum := fnv.New64a()
		_, _ = sum.Write(meta[:metaChecksum])
		if sum.Sum64() != binary.NativeEndian.Uint64(meta[metaChecksum:]) {
			return fmt.Errorf("%w: page %d has another checksum than it should", errDamaged, page)
		}
		about, err := file.Stat()
		if err != nil {
			return err
		}
		there := uint64(about.Size()) / uint64(size) //nolint:gosec // neither is negative
		if pages := binary.NativeEndian.Uint64(meta[metaPages:]); there < pages {
			return fmt.Errorf("%w: it should have %d pages, and has %d bytes", errDamaged, pages, about.Size())
		}
	}
	return nil
}
