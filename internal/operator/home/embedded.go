package home

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/pkg/homes/embedded"
	"tokenrefresh/pkg/reader"
	"tokenrefresh/pkg/reader/filereader"
	"tokenrefresh/pkg/store"
)

// DefaultState is the default file: $XDG_STATE_HOME/token-refresh/state.db, or below
// ~/.local/state. Empty without a home directory.
func DefaultState(getenv func(string) string) string {
	dir := getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(dir) { // as the specification wants it
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		dir = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(dir, "token-refresh", "state.db")
}

// table is the name of a provider's transactions in the file.
func table(provider string) string {
	entry, _ := catalog.Find(provider)
	return entry.TransactionsTable()
}

func openEmbedded(ctx context.Context, o Options) (*Home, error) {
	if o.State == "" {
		return nil, fmt.Errorf("no state file: name one with --state")
	}
	path, err := filepath.Abs(o.State)
	if err != nil {
		return nil, err
	}
	open := embedded.Open
	if o.Existing {
		open = embedded.OpenExisting
	}
	file, err := open(ctx, path)
	if err != nil {
		return nil, err
	}
	return &Home{
		Name:    "embedded " + path,
		Secrets: file.Secrets(), Ledger: file.Ledger(), Editor: file.Editor(),
		Transactions: func(provider string) Transactions { return file.TransactionsIn(table(provider)) },
		Access:       func(key store.Key) reader.Source { return filereader.Access(path, key.Provider, key.Account) },
		TransactionToken: func(provider string, id int64) reader.Source {
			return filereader.TransactionIn(path, table(provider), id)
		},
		Fault: file.Fault, TryWrite: file.TryWrite,
	}, nil
}
