package health

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/pkg/config"
	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/store"
)

const (
	// parallel is how many credentials are read at once.
	parallel = 8
	// tries is how often a credential is read if it changes meanwhile.
	tries = 3
)

// Reader reads what a home knows of its credentials. It writes nothing and calls no
// provider.
type Reader struct {
	Home *home.Home
	// Providers are the providers to read; none: those of the catalog.
	Providers []catalog.Entry
	// All includes a provider that was never set up, even beside others that were, and each of
	// Accounts that was never set up.
	All bool
	// Accounts limits the read to these accounts; none: all.
	Accounts []string
	// Every is the time from one tick to the next, if the schedule has it; 0: the rows have it.
	Every time.Duration
	// Flags are tokenctl's flags for this home, for the commands of findings.
	Flags string
}

// Read reads the credentials, in the order of the catalog and of their accounts: those with a row
// in the ledger, and default or the accounts that are asked for. A ledger that cannot be read is an
// error; any other trouble is in the credential.
func (r Reader) Read(ctx context.Context, now time.Time) ([]Credential, error) {
	var all []*looking
	for _, entry := range catalog.OrAll(r.Providers) {
		rows, claims, err := r.Home.Ledger.RowsAndShardClaims(ctx, entry.Name)
		if err != nil {
			return nil, fmt.Errorf("read the ledger: %w", err)
		}
		all = append(all, r.known(entry, rows, claims)...)
	}
	pace.Each(len(all), parallel, func(i int) { all[i].look(ctx, now) })
	var credentials []Credential
	several := map[string]int{}
	used := false
	for _, l := range all {
		several[l.Key.Provider]++
		used = used || !l.Absent()
	}
	for _, l := range all {
		// A default account that was never set up is left out beside other accounts, and so is an
		// unused provider beside others.
		if !l.Absent() || r.All && len(r.Accounts) > 0 || several[l.Key.Provider] == 1 && (r.All || !used) {
			credentials = append(credentials, l.Credential)
		}
	}
	return credentials, ctx.Err()
}

// known lists the credentials of a provider.
func (r Reader) known(entry catalog.Entry, rows []store.Row, claims []store.ShardClaim) []*looking {
	all := map[string]*looking{}
	add := func(row store.Row, exists bool) {
		all[row.Account] = &looking{home: r.Home, entry: entry, Credential: Credential{
			Key: row.Key, Sweep: entry.Sweep, Begins: entry.Begins(), Row: row, Exists: exists, Flags: r.Flags, Every: r.Every,
		}}
	}
	wanted := r.Accounts
	if len(wanted) == 0 {
		wanted = entry.Usual()
	}
	for _, account := range wanted {
		add(store.Row{Key: store.Key{Provider: entry.Name, Account: account}}, false)
	}
	for _, row := range rows {
		if len(r.Accounts) > 0 && all[row.Account] == nil {
			continue
		}
		if !config.ValidAccount(row.Account) {
			row.Unreadable = fmt.Errorf("the ledger has a row of %s with the account %q, which is not a valid name",
				entry.Name, row.Account)
		}
		add(row, true)
	}
	for _, claim := range claims {
		if l := all[claim.Account.Account]; l != nil {
			l.Transactions.Err = errors.Join(l.Transactions.Err, claim.Unreadable)
		}
	}
	return slices.SortedFunc(maps.Values(all), func(a, b *looking) int { return cmp.Compare(a.Key.Account, b.Key.Account) })
}
