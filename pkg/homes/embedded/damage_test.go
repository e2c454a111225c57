package embedded_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/homes/embedded"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

func shop(n int) store.Key { return store.Key{Provider: "hesabe", Account: fmt.Sprint("shop-", n)} }

// filled makes a file with some of everything in it, and returns its path.
func filled(t *testing.T) string {
	t.Helper()
	home, path := open(t)
	for n := range 40 {
		assert.NilError(t, home.Ledger().SetPaused(t.Context(), shop(n), true))
		record(t, home.Transactions(), store.Transaction{
			ID: int64(n + 1), Account: "default", RefreshToken: secret.New("planted-refresh-token"), Status: store.StatusActive,
			RecordedAt: time.Now(), RefreshAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour),
		})
	}
	return path
}

// use reads and writes all that there is.
func use(t *testing.T, path string) error {
	t.Helper()
	home, err := embedded.Open(t.Context(), path)
	if err != nil {
		return err
	}
	_, rows := home.Ledger().Rows(t.Context(), "hesabe")
	_, _, row := home.Transactions().Get(t.Context(), 7)
	var writes []error
	for n := 0; n < 40; n += 8 {
		writes = append(writes, home.Ledger().SetPaused(t.Context(), shop(n), false))
	}
	return errors.Join(append(writes, rows, row)...)
}

// Wherever the file is cut, and whichever of its pages are zero, the error is one sentence. No
// process dies, and none goes on from an older state.
func TestDamagedFile(t *testing.T) {
	t.Parallel()
	path := filled(t)
	whole, err := os.ReadFile(path)
	assert.NilError(t, err)
	const page = 4096
	assert.Assert(t, len(whole) >= 8*page && len(whole)%page == 0, "%d bytes", len(whole))
	spoilt := map[string][]byte{}
	for n := 0; n < len(whole); n += page / 2 {
		spoilt[fmt.Sprintf("cut to %d bytes", n)] = whole[:n]
	}
	for n := range len(whole) / page {
		for _, pages := range []int{1, 3, len(whole) / page} {
			damaged := bytes.Clone(whole)
			clear(damaged[n*page : min((n+pages)*page, len(whole))])
			spoilt[fmt.Sprintf("%d pages zero from %d on", pages, n)] = damaged
		}
		ones := bytes.Repeat([]byte{0xff}, page)
		spoilt[fmt.Sprintf("page %d all ones", n)] = slices.Concat(whole[:n*page], ones, whole[(n+1)*page:])
	}
	var noticed atomic.Int32
	for what, content := range spoilt {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "state.db")
			assert.NilError(t, os.WriteFile(path, content, 0o600))
			err := use(t, path)
			if err == nil { // only free pages
				return
			}
			noticed.Add(1)
			for _, one := range strings.Split(err.Error(), "\n") {
				if !strings.Contains(one, path) || !strings.Contains(one, "move it aside") || strings.Contains(one, "planted") {
					t.Errorf("error %q", one)
				}
			}
			if trouble, ok := errors.AsType[*embedded.TroubleError](err); !ok || trouble.Kind != embedded.Damaged || trouble.Passes() {
				t.Errorf("trouble %+v", trouble)
			}
			after, err := os.ReadFile(path)
			assert.Check(t, err == nil && len(after) >= len(content),
				"%v; %d bytes left of %d", err, len(after), len(content))
		})
	}
	t.Cleanup(func() { // after the last of them
		if n := int(noticed.Load()); n < len(spoilt)/3 { // some pages are free
			t.Errorf("%d of %d noticed", n, len(spoilt))
		}
	})
}

// Without one of its two first pages bbolt goes back to the state before the last write.
func TestLostPageBringsBackNoOlderState(t *testing.T) {
	t.Parallel()
	for page := range int64(2) {
		path := filled(t)
		file, err := os.OpenFile(path, os.O_RDWR, 0o600)
		assert.NilError(t, err)
		if _, err := file.WriteAt(make([]byte, 4096), page*4096); err != nil {
			t.Fatal(err)
		}
		_ = file.Close()
		if err := use(t, path); err == nil {
			t.Errorf("page %d: it goes on", page)
		}
	}
}

// A file that is cut, replaced or removed under a running process ends its operations with an error
// that names the cause.
func TestSpoiltWhileInUse(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		spoil func(path string) error
		want  embedded.Kind
	}{
		"cut":   {func(path string) error { return os.Truncate(path, 8192) }, embedded.Damaged},
		"empty": {func(path string) error { return os.Truncate(path, 0) }, embedded.Damaged},
		"gone":  {os.Remove, embedded.Missing},
		"a directory in its place": {func(path string) error {
			return errors.Join(os.Remove(path), os.Mkdir(path, 0o700))
		}, embedded.NotAFile},
		"exposed": {func(path string) error { return os.Chmod(path, 0o644) }, embedded.Exposed},
		"another": {func(path string) error { return os.WriteFile(path, []byte("not a database"), 0o600) }, embedded.Damaged},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filled(t)
			home := reopen(t, path)
			assert.NilError(t, tt.spoil(path))
			for _, do := range []func() error{
				func() error { _, err := home.Ledger().Rows(t.Context(), "hesabe"); return err },
				func() error { return home.Ledger().SetPaused(t.Context(), shop(1), false) },
			} {
				trouble, ok := errors.AsType[*embedded.TroubleError](do())
				assert.Check(t, ok && trouble.Kind == tt.want && trouble.Path == path && trouble.Mend != "",
					"trouble %+v, want %s", trouble, tt.want)
			}
			if fault := home.Fault(); fault == nil || !strings.Contains(fault.Error(), path) {
				t.Errorf("fault %v", fault)
			}
		})
	}
}
