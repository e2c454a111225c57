package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/health"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/pkg/config"
	"tokenrefresh/pkg/refresh"
)

const (
	// fileCheck comes before the checks that read the file.
	fileCheck = "file"
	// leastFree is room for a year of a small file's growth; what cannot be stored is lost.
	leastFree = 100 << 20
)

// Machine is a single machine, whose home is a file.
type Machine struct {
	State       string   // the file
	Accounts    []string // wanted with each provider, beside those that are found
	Environment string   // of the providers: production or sandbox
	Flags       string   // with which tokenctl finds this home, for its commands
	Now         func() time.Time
}

// machine is a Machine under examination.
type machine struct {
	Machine
	home *home.Home // once the file was checked
}

// Checks lists what there is to look at on a machine.
func (d Machine) Checks() []Check {
	m := &machine{Machine: d}
	checks := []Check{
		{Name: fileCheck, Look: m.file},
		{Name: "directory", After: fileCheck, Look: m.directory},
		{Name: "disk", After: fileCheck, Look: m.disk},
		{Name: "credentials", After: fileCheck, Look: m.credentials},
	}
	for _, entry := range catalog.All() {
		checks = append(checks, Check{Name: entry.Name + " address", After: fileCheck, Look: func(ctx context.Context) []Finding {
			return m.reach(ctx, entry)
		}})
	}
	return checks
}

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

// disk looks whether there is room for what is to be stored.
func (m *machine) disk(context.Context) []Finding {
	dir := filepath.Dir(m.State)
	var about unix.Statfs_t
	if err := unix.Statfs(dir, &about); err != nil {
		return []Finding{warn("the room in %s is not known: %v", dir, err)}
	}
	free := about.Bavail * uint64(about.Bsize)
	if free < leastFree {
		return []Finding{fail("%d MiB are free in %s: a token that cannot be stored is lost", free>>20, dir).
			mend(fmt.Sprintf("make room, %d MiB at least", leastFree>>20), "df -h "+dir)}
	}
	return []Finding{ok("%d MiB are free", free>>20)}
}

// credentials tells how the credentials are, and whether runs come.
func (m *machine) credentials(ctx context.Context) []Finding {
	var found []Finding
	used := false
	for _, entry := range catalog.All() {
		for _, account := range m.accounts(ctx, entry) {
			read, err := health.Reader{Home: m.home, Provider: entry.Name, Account: account, Flags: m.Flags}.Read(ctx, m.Now())
			if err != nil {
				return []Finding{fail("%v", err).mend("see whether another process holds the file, and try again")}
			}
			for _, c := range read {
				if !c.Exists && c.Credentials.Fault == health.Missing {
					found = append(found, skipped("%s: not set up", c.Key))
					continue
				}
				used = true
				for _, f := range c.Findings(m.Now()) {
					found = append(found, m.judge(c, f))
				}
			}
		}
	}
	if !used {
		return []Finding{fail("no credentials are set up").
			mend("put in those of a provider", tokenctl(m.Flags, "seed credentials --provider hesabe"))}
	}
	return found
}

// judge adds to a silence who is silent.
func (m *machine) judge(c health.Credential, f health.Finding) Finding {
	said := judge(c, f, m.Now())
	if f.Condition == health.Silent {
		said.Cause += ": `tokenctl run` does not run, or on another file"
		said.Mend = "start it, or see why systemd does not: docs/single-machine.md"
		said.Commands = []string{tokenctl(m.Flags, "run")}
	}
	return said
}

// accounts are those of a provider that matter.
func (m *machine) accounts(ctx context.Context, entry catalog.Entry) []string {
	all := append([]string{}, m.Accounts...)
	rows, _ := m.home.Ledger.Rows(ctx, entry.Name)
	for _, row := range rows {
		if config.ValidAccount(row.Account) { // and not the claim of a shard
			all = append(all, row.Account)
		}
	}
	if len(all) == 0 {
		all = append(all, "default")
	}
	return unique(all)
}

// reach looks at the addresses of a provider that is used.
func (m *machine) reach(ctx context.Context, entry catalog.Entry) []Finding {
	var accounts []string
	for _, account := range m.accounts(ctx, entry) {
		key := refresh.Key{Provider: entry.Name, Account: account}
		if _, err := m.home.Secrets.CurrentID(ctx, key, refresh.Credentials); err == nil {
			accounts = append(accounts, account)
		}
	}
	if len(accounts) == 0 {
		return nil
	}
	return reachAll(ctx, m.home, entry, accounts, m.Environment)
}
