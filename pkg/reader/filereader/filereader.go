// Package filereader has the sources of access tokens on a single machine, where the
// embedded home keeps everything in one file: the access token of an account, and that of
// a Berbix transaction.
//
// The file is opened read-only for each read and closed again, so that readers and the writer work
// side by side. It is plain text at mode 0600 and holds the refresh tokens too: a service that can
// read it can read more than access tokens.
package filereader

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"tokenrefresh/pkg/homes/embedded"
	"tokenrefresh/pkg/reader"
	"tokenrefresh/pkg/store"
)

// source reads from the file at path; what names the item.
type source struct {
	path, what string
	from       func(ctx context.Context, home *embedded.Home) (reader.Token, error)
}

// Access is the source of an account's access token.
func Access(path, provider, account string) reader.Source {
	key := store.Key{Provider: provider, Account: account}
	return source{path, key.String(), func(ctx context.Context, home *embedded.Home) (reader.Token, error) {
		v, err := home.Secrets().Current(ctx, key, store.AccessDoc)
		if err != nil {
			return reader.Token{}, err
		}
		return reader.ParseAccess(v.Value)
	}}
}

// Transaction is the source of a Berbix transaction's token.
func Transaction(path string, id int64) reader.Source { return TransactionIn(path, "transactions", id) }

// TransactionIn is the source of a transaction's token of another provider, whose table has that name.
func TransactionIn(path, table string, id int64) reader.Source {
	return source{path, fmt.Sprintf("transaction %d", id), func(ctx context.Context, home *embedded.Home) (reader.Token, error) {
		t, found, err := home.TransactionsIn(table).Get(ctx, id)
		switch {
		case err != nil:
			return reader.Token{}, err
		case !found:
			return reader.Token{}, fmt.Errorf("%w: the transaction must be recorded first", reader.ErrNotFound)
		case t.Status != store.StatusActive:
			return reader.Token{}, &reader.EndedError{Status: string(t.Status)}
		}
		return reader.Token{
			AccessToken: t.AccessToken, ExpiresAt: t.AccessExpiresAt, RefreshAt: t.RefreshAt, ClientToken: t.ClientToken,
		}, nil
	}}
}

// String implements reader.Source.
func (s source) String() string { return s.what + " in " + s.path }

// Read implements reader.Source.
func (s source) Read(ctx context.Context) (reader.Token, error) {
	home, err := embedded.OpenExisting(ctx, s.path)
	if err != nil {
		return reader.Token{}, sort(err)
	}
	t, err := s.from(ctx, home)
	return t, sort(err)
}

// sort maps the home's errors to those of package reader.
func sort(err error) error {
	for _, known := range []struct{ is, as error }{
		{store.ErrNoValue, reader.ErrNotPublished},
		{store.ErrNoSecret, reader.ErrNotFound},
		{fs.ErrNotExist, reader.ErrNotFound},
		{fs.ErrPermission, reader.ErrDenied},
	} {
		if errors.Is(err, known.is) {
			return fmt.Errorf("%w: %w", known.as, err)
		}
	}
	return err
}
