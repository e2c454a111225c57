package embedded_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/pkg/homes/embedded"
	"tokenrefresh/pkg/homes/hometest"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// open makes a home in a directory of its own.
func open(tb testing.TB) (*embedded.Home, string) {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "state", "home.db")
	return reopen(tb, path), path
}

func reopen(tb testing.TB, path string) *embedded.Home {
	tb.Helper()
	home, err := embedded.Open(tb.Context(), path)
	assert.NilError(tb, err)
	return home
}

// errorOf is the error of a call that also returns a value.
func errorOf[T any](_ T, err error) error { return err }

// secretsOf are the secrets of a home of their own, with an empty one for tokens.
func secretsOf(tb testing.TB) (secrets *embedded.Secrets, path string) {
	tb.Helper()
	home, path := open(tb)
	assert.NilError(tb, home.Secrets().CreateSecret(tb.Context(), key, store.TokensDoc))
	return home.Secrets(), path
}

// put writes a value as a person does, and returns its id.
func put(tb testing.TB, secrets *embedded.Secrets, value string) (id string) {
	tb.Helper()
	id, err := secrets.PutCurrent(tb.Context(), key, store.TokensDoc, secret.New(value))
	assert.NilError(tb, err)
	return id
}

// record puts a transaction.
func record(tb testing.TB, rows *embedded.Transactions, row store.Transaction) {
	tb.Helper()
	_, err := rows.Put(tb.Context(), row, time.Now())
	assert.NilError(tb, err)
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	home, _ := open(t)
	hometest.Secrets(t, home.Secrets(), home.Secrets())
}

func TestLedger(t *testing.T) {
	t.Parallel()
	home, _ := open(t)
	hometest.Ledger(t, home.Ledger())
}

func TestClaims(t *testing.T) {
	t.Parallel()
	home, _ := open(t)
	hometest.Claims(t, home.Ledger())
	hometest.ClaimsAsRows(t, home.Ledger())
}

func TestTransactions(t *testing.T) {
	t.Parallel()
	home, _ := open(t)
	hometest.Transactions(t, home.Transactions())
}

func TestDeadTransactions(t *testing.T) {
	t.Parallel()
	home, _ := open(t)
	hometest.DeadTransactions(t, home.Transactions())
}

func TestOpenCreatesPrivately(t *testing.T) {
	t.Parallel()
	_, path := open(t)
	for _, tt := range []struct {
		path string
		want fs.FileMode
	}{{path, 0o600}, {filepath.Dir(path), fs.ModeDir | 0o700}} {
		info, err := os.Stat(tt.path)
		assert.NilError(t, err)
		assert.Check(t, info.Mode() == tt.want, "%s has mode %s, want %s", tt.path, info.Mode(), tt.want)
	}
}

func TestOpenKeepsWhatIsThere(t *testing.T) {
	t.Parallel()
	home, path := open(t)
	assert.NilError(t, home.Ledger().SetPaused(t.Context(), key, true))
	row, found, err := reopen(t, path).Ledger().Row(t.Context(), key)
	assert.Check(t, err == nil && found && row.Paused, "row %+v, %t, %v; want the paused one", row, found, err)
}

// TestWiderModeIsRefused: also when the mode changes after Open, as a restored
// backup's does.
func TestWiderModeIsRefused(t *testing.T) {
	t.Parallel()
	for _, mode := range []fs.FileMode{0o644, 0o640, 0o604, 0o660, 0o601} {
		home, path := open(t)
		assert.NilError(t, os.Chmod(path, mode))
		_, openErr := embedded.Open(t.Context(), path)
		_, ledgerErr := home.Ledger().Rows(t.Context(), "hesabe")
		_, _, transactionsErr := home.Transactions().Get(t.Context(), 1)
		for _, tt := range []struct{ got, want error }{
			{openErr, fs.ErrPermission},
			{ledgerErr, store.ErrForbidden},
			{transactionsErr, store.ErrForbidden},
		} {
			assert.Check(t, errors.Is(tt.got, tt.want) && strings.Contains(tt.got.Error(), "chmod 600 "+path),
				"mode %04o: error %v; want %q and the command that mends it", mode, tt.got, tt.want)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	assert.NilError(t, os.WriteFile(text, []byte(strings.Repeat("not a database\n", 1000)), 0o600))
	foreign, newer := filepath.Join(dir, "foreign"), filepath.Join(dir, "newer")
	bucket(t, foreign, "somebody else's", "")
	bucket(t, newer, "about", "token-refresh 999")
	for name, tt := range map[string]struct{ path, want string }{
		"directory":      {dir, "directory"},
		"text file":      {text, "its first pages are damaged"},
		"foreign file":   {foreign, "not a file of token-refresh"},
		"other format":   {newer, `"token-refresh 999"`},
		"below no dir":   {filepath.Join(text, "home.db"), "not a directory"},
		"special file":   {"/dev/null", "not a regular file"},
		"no path at all": {"", "directory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := embedded.Open(t.Context(), tt.path)
			assert.Check(t, err != nil && strings.Contains(err.Error(), tt.want),
				"error %v, want one with %q", err, tt.want)
		})
	}
}

// bucket makes a bbolt file with one bucket, and a format where it is not empty.
func bucket(t *testing.T, path, name, format string) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	assert.NilError(t, err)
	err = db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket([]byte(name))
		if err != nil || format == "" {
			return err
		}
		return b.Put([]byte("format"), []byte(format))
	})
	assert.NilError(t, errors.Join(err, db.Close()))
}

// TestVanishedFile: a home whose file was deleted must not go on with an empty one.
func TestVanishedFile(t *testing.T) {
	t.Parallel()
	home, path := open(t)
	assert.NilError(t, os.Remove(path))
	err := home.Ledger().SetPaused(t.Context(), key, true)
	assert.Check(t, errors.Is(err, fs.ErrNotExist), "error %v, want %v", err, fs.ErrNotExist)
	assert.Check(t, is.ErrorIs(errorOf(os.Stat(path)), fs.ErrNotExist))
}

// TestOneFileByTwoNames: homes of one process meet in the same queue, however the
// file is named.
func TestOneFileByTwoNames(t *testing.T) {
	t.Parallel()
	home, path := open(t)
	link := filepath.Join(t.TempDir(), "link")
	assert.NilError(t, os.Symlink(path, link))
	other := reopen(t, link)
	done := make(chan error)
	const claims = 20
	for _, ledger := range []*embedded.Ledger{home.Ledger(), other.Ledger()} {
		go func() { done <- count(t.Context(), ledger, key, claims) }()
	}
	for range 2 {
		assert.Check(t, <-done)
	}
	wantFence(t, home, key, 2*claims)
}

// TestOpenExisting: a reader changes nothing, even if there is no file yet.
func TestOpenExisting(t *testing.T) {
	t.Parallel()
	home, path := open(t)
	assert.NilError(t, home.Secrets().CreateSecret(t.Context(), key, store.AccessDoc))
	before, err := os.ReadFile(path)
	assert.NilError(t, err)
	again, err := embedded.OpenExisting(t.Context(), path)
	assert.NilError(t, err)
	assert.Check(t, is.ErrorIs(errorOf(again.Secrets().Current(t.Context(), key, store.AccessDoc)), store.ErrNoValue))
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file has changed, %v", err)
	}

	dir := t.TempDir()
	assert.Check(t, is.ErrorIs(errorOf(embedded.OpenExisting(t.Context(), filepath.Join(dir, "none.db"))), fs.ErrNotExist))
	foreign := filepath.Join(dir, "foreign.db")
	db, err := bbolt.Open(foreign, 0o600, nil)
	assert.NilError(t, err)
	_ = db.Close()
	if _, err := embedded.OpenExisting(t.Context(), foreign); err == nil || !strings.Contains(err.Error(), "not a file of token-refresh") {
		t.Errorf("error %v", err)
	}
}
