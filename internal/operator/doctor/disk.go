package doctor

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
)

// minFree is far more than a refresh needs.
const minFree = 100 << 20

// disk checks that the disk has room for new state.
func (m *machine) disk(context.Context) []Finding {
	dir := filepath.Dir(m.State)
	free, err := freeBytes(dir)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return []Finding{skipped("how much room there is, is not known on this system")}
	case err != nil:
		return []Finding{warn("how much room there is in %s is not known: %v", dir, err)}
	}
	return []Finding{judgeRoom(free, dir)}
}

func judgeRoom(free uint64, dir string) Finding {
	if free < minFree {
		return fail("%d MiB are free in %s: a token that cannot be stored is lost", free>>20, dir).
			mend(fmt.Sprintf("make room, %d MiB at least", minFree>>20), "df -h "+dir)
	}
	return ok("%d MiB are free", free>>20)
}
