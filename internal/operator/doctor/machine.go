package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/health"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/pkg/homes/embedded"
	"tokenrefresh/pkg/store"
)

// fileCheck is the check before those that read the file.
const fileCheck = "file"

// Machine is a single machine, whose home is a file.
type Machine struct {
	State       string          // the file
	Providers   []catalog.Entry // in use; none: all
	Accounts    []string        // wanted with each provider, beside those that are found
	Environment string          // of the providers: production or sandbox
	Flags       string          // with which tokenctl finds this home, for its commands
	Now         func() time.Time
}

// machine is a Machine under examination.
type machine struct {
	Machine
	home *home.Home // once the file was checked
}

// Checks lists the checks of a machine.
func (d Machine) Checks() []Check {
	m := &machine{Machine: d}
	checks := []Check{
		{Name: fileCheck, Look: m.file},
		{Name: "writing", After: fileCheck, Look: m.writing},
		{Name: "directory", After: fileCheck, Look: m.directory},
		{Name: "disk", After: fileCheck, Look: m.disk},
		{Name: "credentials", After: fileCheck, Look: m.credentials},
	}
	for _, entry := range catalog.OrAll(m.Providers) {
		checks = append(checks, Check{Name: entry.Name + " address", After: fileCheck, Look: func(ctx context.Context) []Finding {
			return m.reach(ctx, entry)
		}})
	}
	return checks
}

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
			"name the right one with --state or $TOKENCTL_STATE; a new one begins with credentials", m.seedHesabe())}
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
	if trouble, known := errors.AsType[*embedded.TroubleError](err); known {
		return []Finding{judgeTrouble(trouble)}
	}
	if err != nil {
		return []Finding{fail("a test row cannot be written: %v", err).mend("look in the system's log for errors of the disk")}
	}
	return []Finding{ok("a test row is written")}
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

// credentials reports the state of the credentials, and whether runs come.
func (m *machine) credentials(ctx context.Context) []Finding {
	var all []Finding
	for _, entry := range catalog.OrAll(m.Providers) {
		found, err := m.group(ctx, entry).credentials(ctx, m.Now(), 0, false, m.judge)
		if err != nil {
			return []Finding{fail("%v", err).mend("try again")}
		}
		all = append(all, found...)
	}
	if !slices.ContainsFunc(all, func(f Finding) bool { return f.Verdict != Skipped }) {
		return []Finding{fail("no credentials are set up").mend("put in those of a provider", m.seedHesabe())}
	}
	return all
}

// judge adds to a finding about missing runs who should run.
func (m *machine) judge(c health.Credential, f health.Finding) []Finding {
	if c.Absent() {
		return []Finding{skipped("%s: not set up", c.Key)}
	}
	said := judge(c, f, m.Now())
	if f.Condition == health.Silent {
		said.Cause += ": `tokenctl run` does not run, or on another file"
		said.Mend = "start it, or see why systemd does not: docs/single-machine.md"
		said.Commands = []string{health.Tokenctl("run", m.Flags)}
	}
	return []Finding{said}
}

// seedHesabe is a line that begins with the first provider.
func (m *machine) seedHesabe() string {
	return health.Tokenctl("seed credentials --provider hesabe", m.Flags)
}

// group are the accounts of a provider that matter.
func (m *machine) group(ctx context.Context, entry catalog.Entry) group {
	names := accounts(ctx, m.home, entry, m.Accounts)
	if len(names) == 0 {
		names = entry.Usual()
	}
	return group{m.home, entry, names, m.Environment, m.Flags}
}

// reach checks the addresses of a provider in use.
func (m *machine) reach(ctx context.Context, entry catalog.Entry) []Finding {
	g := m.group(ctx, entry)
	g.names = slices.DeleteFunc(slices.Clone(g.names), func(account string) bool {
		_, err := m.home.Secrets.CurrentID(ctx, g.key(account), store.Credentials)
		return err != nil
	})
	if len(g.names) == 0 {
		return nil
	}
	return g.reach(ctx)
}
