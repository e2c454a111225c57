package doctor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"tokenrefresh/internal/operator/home"
)

// file looks whether the file can be used. It makes none.
func (m *machine) file(ctx context.Context) []Finding {
	var err error
	m.home, err = home.Open(ctx, home.Options{Kind: home.Embedded, State: m.State, Existing: true})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return []Finding{fail("there is no file %s", m.State).mend(
			"name the right one with --state or $TOKENCTL_STATE; a new one begins with credentials",
			tokenctl(m.Flags, "seed credentials --provider hesabe"))}
	case errors.Is(err, fs.ErrPermission):
		return []Finding{fail("%v", err).
			mend("let it be yours alone, or run tokenctl as its owner", "chmod 600 "+m.State, "ls -l "+m.State)}
	case err != nil:
		return []Finding{fail("%v", err).mend("name the right file with --state; a damaged one has to come from a backup")}
	}
	return []Finding{ok("%s, readable by its owner alone", m.State)}
}

// directory looks who could put another file in the file's place.
func (m *machine) directory(context.Context) []Finding {
	dir := filepath.Dir(m.State)
	info, err := os.Stat(dir)
	if err != nil {
		return []Finding{fail("%v", err)}
	}
	if others := info.Mode().Perm() & 0o022; others != 0 && info.Mode()&fs.ModeSticky == 0 {
		return []Finding{fail("others may replace the file: %s has mode %04o", dir, info.Mode().Perm()).
			mend("take that right away", "chmod go-w "+dir)}
	}
	return []Finding{ok("%s, writable by its owner alone", dir)}
}
