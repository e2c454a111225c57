package doctor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"tokenrefresh/internal/operator/home"
	"tokenrefresh/pkg/homes/embedded"
)

// file checks that the file can be used. It creates none.
func (m *machine) file(ctx context.Context) []Finding {
	var err error
	m.home, err = home.Open(ctx, home.Options{Kind: home.Embedded, State: m.State, Existing: true})
	trouble, known := errors.AsType[*embedded.TroubleError](err)
	switch {
	case err == nil && !embedded.ModesProtect:
		return []Finding{ok("%s; who may read it is not checked on this system", m.State)}
	case err == nil:
		return []Finding{ok("%s, readable by its owner alone", m.State)}
	case known && trouble.Kind == embedded.Missing:
		return []Finding{fail("there is no file %s", m.State).mend(
			"name the right one with --state or $TOKENCTL_STATE; a new one begins with credentials",
			tokenctl(m.Flags, "seed credentials --provider hesabe"))}
	case known && (trouble.Kind == embedded.Exposed || trouble.Kind == embedded.Denied):
		return []Finding{judgeTrouble(trouble, "chmod 600 "+m.State, "ls -l "+m.State)}
	case known:
		return []Finding{judgeTrouble(trouble)}
	}
	return []Finding{fail("%v", err).mend("name the right file with --state")}
}

func judgeTrouble(trouble *embedded.TroubleError, commands ...string) Finding {
	return fail("%s: %s", trouble.Path, trouble.What).mend(trouble.Mend, commands...)
}

// writing checks that the file can be written, by writing: a file system that has turned read-only
// after a disk error shows in no other way.
func (m *machine) writing(ctx context.Context) []Finding {
	err := m.home.TryWrite(ctx)
	trouble, known := errors.AsType[*embedded.TroubleError](err)
	switch {
	case err == nil:
		return []Finding{ok("a test row is written")}
	case known:
		return []Finding{judgeTrouble(trouble)}
	}
	return []Finding{fail("a test row cannot be written: %v", err).mend("look in the system's log for errors of the disk")}
}

// directory checks who could replace the file.
func (m *machine) directory(context.Context) []Finding {
	dir := filepath.Dir(m.State)
	if !embedded.ModesProtect {
		return []Finding{skipped("who may replace the file is not checked on this system")}
	}
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
