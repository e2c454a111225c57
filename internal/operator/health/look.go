package health

import (
	"context"
	"errors"
	"sync"
	"time"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/pkg/homes/awshome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/refresh"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// looking is a credential that is being read.
type looking struct {
	Credential
	home  *home.Home
	entry catalog.Entry
}

// look reads everything about the row. A run's work in the meantime would look like an edit by
// hand; so if the row has changed then, all is read again.
func (l *looking) look(ctx context.Context, now time.Time) {
	if l.Row.Unreadable != nil {
		return
	}
	if l.Sweep {
		l.readCredentials(ctx)
		l.readTransactions(ctx, now)
		return
	}
	for range tries {
		l.readSecrets(ctx)
		if !l.Exists || l.Tokens.Version == l.Row.VersionID && l.Access.Version == l.Row.PublishedVersionID {
			return
		}
		row, exists, err := l.home.Ledger.Row(ctx, l.Key)
		if err != nil || !exists || row.Unreadable != nil || same(row, l.Row) {
			return
		}
		l.Row = row
	}
}

// same reports whether no run has written between two reads of a row.
func same(a, b store.Row) bool {
	return a.Fence == b.Fence && a.Phase == b.Phase && a.VersionID == b.VersionID && a.PublishedVersionID == b.PublishedVersionID
}

func (l *looking) readSecrets(ctx context.Context) {
	l.CanLogin, l.Again = false, providers.Again{}
	l.RefreshToken, l.WrittenBy, l.Staged, l.Text = false, "", false, secret.String{}
	var wg sync.WaitGroup
	wg.Go(func() { l.readCredentials(ctx) })
	wg.Go(func() { l.readTokens(ctx) })
	wg.Go(func() {
		var err error
		l.Access = l.secret(store.AccessDoc)
		l.Access.Version, err = l.home.Secrets.CurrentID(ctx, l.Key, store.AccessDoc)
		if err == nil && l.Access.Version == "" {
			err = store.ErrNoValue
		}
		l.Access.fail(err)
	})
	if l.Row.State == store.Uncertain && l.Row.AttemptID != "" {
		wg.Go(func() {
			v, err := l.home.Secrets.ByID(ctx, l.Key, store.TokensDoc, l.Row.AttemptID)
			l.Staged = err == nil && v.ID != "" && v.ID != l.Row.VersionID
		})
	}
	wg.Wait()
}

func (l *looking) secret(doc store.Document) Secret {
	return Secret{Name: store.NameOf(l.home.Secrets, l.Key, doc)}
}

// current reads a document into s, and reports whether it has a text.
func (l *looking) current(ctx context.Context, doc store.Document, s *Secret) (secret.String, bool) {
	v, err := l.home.Secrets.Current(ctx, l.Key, doc)
	*s = l.secret(doc)
	s.Version = v.ID
	s.fail(err)
	return v.Value, err == nil
}

// readCredentials opens the credentials as a run does, without a call.
func (l *looking) readCredentials(ctx context.Context) {
	text, found := l.current(ctx, store.Credentials, &l.Credentials)
	if !found {
		return
	}
	provider := l.entry.New(exchange.New(exchange.Options{}), "production")
	l.Send = provider.Patience()
	session, err := provider.Open(text)
	if err != nil {
		l.Credentials.unusable(err)
		return
	}
	l.CanLogin, l.Again = session.CanLogin(), providers.AgainOf(session)
}

func (l *looking) readTokens(ctx context.Context) {
	text, found := l.current(ctx, store.TokensDoc, &l.Tokens)
	if !found {
		return
	}
	held, err := refresh.ParseTokens(text)
	if err != nil {
		l.Tokens.unusable(err)
		return
	}
	l.Text, l.RefreshToken, l.WrittenBy = text, !held.RefreshToken.Blank(), held.AttemptID
}

// fail records a read that failed.
func (s *Secret) fail(err error) {
	switch {
	case err == nil:
		return
	case errors.Is(err, awshome.ErrDeleted):
		s.Fault = Deleted
	case errors.Is(err, store.ErrNoSecret):
		s.Fault = Missing
	case errors.Is(err, store.ErrNoValue):
		s.Fault = Empty
	case errors.Is(err, awshome.ErrRotation):
		s.Fault = Rotating
	case errors.Is(err, awshome.ErrBinary), errors.Is(err, store.ErrMalformed):
		s.Fault = Broken
	default:
		s.Fault = Unread
	}
	s.Err = err
}

// unusable records a text that a run could not use.
func (s *Secret) unusable(err error) {
	s.Fault, s.Err = Broken, err
	if errors.Is(err, providers.ErrNotSeeded) {
		s.Fault = Empty
	}
}
