package doctor

import (
	"context"
	"time"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/health"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/pkg/config"
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

// credentials reports the state of the credentials, and whether runs come.
func (m *machine) credentials(ctx context.Context) []Finding {
	var found []Finding
	used := false
	for _, entry := range catalog.OrAll(m.Providers) {
		found = append(found, shared(ctx, m.home, entry, m.accounts(ctx, entry), m.Environment)...)
		for _, account := range m.accounts(ctx, entry) {
			reader := health.Reader{Home: m.home, Providers: []catalog.Entry{entry}, Account: account, Flags: m.Flags}
			read, err := reader.Read(ctx, m.Now())
			if err != nil {
				return []Finding{fail("%v", err).mend("try again")}
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
				found = append(found, cautions(c, false)...)
			}
		}
	}
	if !used {
		return []Finding{fail("no credentials are set up").
			mend("put in those of a provider", tokenctl(m.Flags, "seed credentials --provider hesabe"))}
	}
	return found
}

// judge adds to a finding about missing runs who should run.
func (m *machine) judge(c health.Credential, f health.Finding) Finding {
	said := judge(c, f, m.Now())
	if f.Condition == health.Silent {
		said.Cause += ": `tokenctl run` does not run, or on another file"
		said.Mend = "start it, or see why systemd does not: docs/single-machine.md"
		said.Commands = []string{tokenctl(m.Flags, "run")}
	}
	return said
}

// accounts are the accounts of a provider that matter.
func (m *machine) accounts(ctx context.Context, entry catalog.Entry) []string {
	all := append([]string{}, m.Accounts...)
	rows, _ := m.home.Ledger.Rows(ctx, entry.Name)
	for _, row := range rows {
		if config.ValidAccount(row.Account) { // and not the claim of a shard
			all = append(all, row.Account)
		}
	}
	if len(all) == 0 {
		all = append(all, entry.Usual()...)
	}
	return unique(all)
}

// reach checks the addresses of a provider in use.
func (m *machine) reach(ctx context.Context, entry catalog.Entry) []Finding {
	var accounts []string
	for _, account := range m.accounts(ctx, entry) {
		key := store.Key{Provider: entry.Name, Account: account}
		if _, err := m.home.Secrets.CurrentID(ctx, key, store.Credentials); err == nil {
			accounts = append(accounts, account)
		}
	}
	if len(accounts) == 0 {
		return nil
	}
	return reachAll(ctx, m.home, entry, accounts, m.Environment, m.Flags)
}
