package filereader_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/pkg/homes/embedded"
	"tokenrefresh/pkg/reader"
	"tokenrefresh/pkg/reader/filereader"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

var key = store.Key{Provider: "hesabe", Account: "default"}

// open makes a home with empty secrets of key.
func open(t *testing.T) (*embedded.Home, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "state.db")
	home, err := embedded.Open(t.Context(), path)
	assert.NilError(t, err)
	for _, doc := range []store.Document{store.Credentials, store.TokensDoc, store.AccessDoc} {
		assert.NilError(t, home.Secrets().CreateSecret(t.Context(), key, doc))
	}
	return home, path
}

// errorOf is the error of a call that also returns a value.
func errorOf[T any](_ T, err error) error { return err }

func TestAccess(t *testing.T) {
	t.Parallel()
	home, path := open(t)
	source := filereader.Access(path, "hesabe", "default")
	want := func(want reader.Token, wantErr error) {
		t.Helper()
		got, err := source.Read(t.Context())
		assert.Check(t, got == want && errors.Is(err, wantErr), "%v, %v; want %v, %v", got, err, want, wantErr)
	}
	put := func(text string) {
		t.Helper()
		if _, err := home.Secrets().PutCurrent(t.Context(), key, store.AccessDoc, secret.New(text)); err != nil {
			t.Fatal(err)
		}
	}
	want(reader.Token{}, reader.ErrNotPublished)
	put(`{"access_token":"at-1","token_type":"Bearer","access_expires_at":"2026-11-21T22:15:00Z","refresh_at":"2026-11-21T22:12:00Z"}`)
	expires := time.Date(2026, 11, 21, 22, 15, 0, 0, time.UTC)
	want(reader.Token{
		AccessToken: secret.New("at-1"), Type: "Bearer", ExpiresAt: expires, RefreshAt: expires.Add(-3 * time.Minute),
	}, nil)
	put(`not JSON`)
	want(reader.Token{}, reader.ErrMalformed)
	assert.NilError(t, os.Chmod(path, 0o644))
	want(reader.Token{}, reader.ErrDenied)
	source = filereader.Access(path, "hesabe", "shop-2")
	assert.NilError(t, os.Chmod(path, 0o600))
	want(reader.Token{}, reader.ErrNotFound)
}

// A reader that starts before the writer, or with a wrong path, creates no file: the writer would
// use it, and a person would think that it is the right one.
func TestNoFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sub", "state.db")
	source := filereader.Access(path, "hesabe", "default")
	if _, err := source.Read(t.Context()); !errors.Is(err, reader.ErrNotFound) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
	assert.Check(t, is.ErrorIs(errorOf(os.Stat(filepath.Dir(path))), fs.ErrNotExist))
	assert.Check(t, strings.Contains(source.String(), path), "%s does not name the file", source)
}

func TestTransaction(t *testing.T) {
	t.Parallel()
	home, path := open(t)
	now := time.Now().UTC().Truncate(time.Second)
	row := store.Transaction{
		ID: 1<<40 + 1, Account: "default", RefreshToken: secret.New("rt"), Status: store.StatusActive, RecordedAt: now, RefreshAt: now,
	}
	put := func() {
		t.Helper()
		if recorded, err := home.Transactions().Put(t.Context(), row, time.Now()); err != nil || !recorded {
			t.Fatalf("recorded %v, %v", recorded, err)
		}
	}
	source := filereader.Transaction(path, row.ID)
	assert.Check(t, is.ErrorIs(errorOf(source.Read(t.Context())), reader.ErrNotFound))
	put()
	assert.Check(t, is.ErrorIs(errorOf(reader.NewTokenSource(source, reader.Options{}).Get(t.Context())), reader.ErrNotPublished))
	row.AccessToken, row.ClientToken = secret.New("at"), secret.New("ct")
	row.AccessExpiresAt, row.RefreshAt = now.Add(time.Hour), now.Add(48*time.Minute)
	put()
	got, err := source.Read(t.Context())
	want := reader.Token{
		AccessToken: row.AccessToken, ClientToken: row.ClientToken, ExpiresAt: row.AccessExpiresAt, RefreshAt: row.RefreshAt,
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for _, status := range []store.Status{store.StatusCompleted, store.StatusDeleted, store.StatusDead} {
		row.Status = status
		put()
		got, err := source.Read(t.Context())
		ended, ok := errors.AsType[*reader.EndedError](err)
		assert.Check(t, ok && ended.Status == string(status) && got == (reader.Token{}), "%s: %v, %v", status, got, err)
	}
}
