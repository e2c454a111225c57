package doctor_test

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/doctor"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/internal/operator/invoke"
	"tokenrefresh/internal/sandbox"
	"tokenrefresh/pkg/config"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// local is a machine with Hesabe set up and refreshed.
type local struct {
	doctor.Machine
	t     *testing.T
	boxes *sandbox.Sandbox
	home  *home.Home
}

func newLocal(t *testing.T) *local {
	t.Helper()
	l := &local{t: t}
	l.Machine = doctor.Machine{State: filepath.Join(t.TempDir(), "state.db"), Environment: "production", Now: time.Now}
	l.open()
	var err error
	l.boxes, err = sandbox.Start(sandbox.Options{})
	assert.NilError(t, err)
	t.Cleanup(l.boxes.Close)
	l.seed(l.boxes.Credentials(sandbox.Hesabe))
	cfg, err := config.ForMachine(func(string) string { return "" })
	assert.NilError(t, err)
	_, err = invoke.NewHere(catalog.All()[0], l.home, cfg, slog.New(slog.DiscardHandler)).Invoke(t.Context(), invoke.Event{})
	assert.NilError(t, err)
	return l
}

func (l *local) seed(text string) { l.seedAccount("default", text) }

func (l *local) seedAccount(account, text string) {
	l.t.Helper()
	key := store.Key{Provider: "hesabe", Account: account}
	for _, doc := range []store.Document{store.Credentials, store.TokensDoc, store.AccessDoc} {
		assert.NilError(l.t, l.home.Editor.CreateSecret(l.t.Context(), key, doc))
	}
	_, err := l.home.Editor.PutCurrent(l.t.Context(), key, store.Credentials, secret.New(text))
	assert.NilError(l.t, err)
}

func TestMachineInWhichAllIsWell(t *testing.T) {
	t.Parallel()
	l := newLocal(t)
	report := doctor.Run(t.Context(), l.Checks())
	assert.Check(t, report.Well, "not well:\n%s", report.Text(120, false))
	for check, verdict := range map[string]doctor.Verdict{
		"file": doctor.OK, "writing": doctor.OK, "directory": doctor.OK, "disk": doctor.OK, "hesabe address": doctor.OK, "credentials": doctor.OK,
	} {
		want(t, report.Findings, check, verdict)
	}
	want(t, report.Findings, "credentials", doctor.OK, "hesabe/default: healthy, refreshed", "ends in 14m")
	want(t, report.Findings, "credentials", doctor.Skipped, "tconnect/default: not set up")
}

func TestMachineBroken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(l *local)
		found
	}{
		"another file": {
			func(l *local) { l.State += "x"; l.Flags = "--home embedded --state x" },
			fails("file", "there is no file", "--state", "tokenctl seed credentials --provider hesabe --home embedded --state x"),
		},
		"a file that others can read": {
			func(l *local) { l.must(os.Chmod(l.State, 0o644)) }, fails("file", "0644", "chmod 600"),
		},
		"a file of something else": {
			func(l *local) { l.must(os.WriteFile(l.State, []byte("no state at all"), 0o600)) }, fails("file", "--state"),
		},
		"a file that is cut": {
			func(l *local) { l.must(os.Truncate(l.State, 8192)) }, fails("file", "it is damaged", "move it aside", "restore a backup last"),
		},
		"a directory in its place": {
			func(l *local) { l.must(errors.Join(os.Remove(l.State), os.Mkdir(l.State, 0o700))) }, fails("file", "it is a directory", "--state"),
		},
		"a directory of everybody": {
			func(l *local) { l.must(os.Chmod(filepath.Dir(l.State), 0o777)) }, fails("directory", "others may replace", "0777", "chmod go-w"),
		},
		"nothing set up": {
			func(l *local) { l.must(os.Remove(l.State)); l.open() }, fails("credentials", "no credentials are set up", "seed credentials"),
		},
		"no run": {
			func(l *local) { l.Now = func() time.Time { return time.Now().Add(time.Hour) } },
			fails("credentials", "no run has begun one", "`tokenctl run` does not run", "docs/single-machine.md", "tokenctl run"),
		},
		"a provider that is down": {
			func(l *local) { l.boxes.Close() },
			fails("hesabe address", "refuses connections", "curl", "tokenctl seed credentials --provider hesabe"),
		},
		"credentials that name no address": {
			func(l *local) { l.seed(`{"username":"u"}`) },
			found{"hesabe address", doctor.Skipped, []string{"no credentials name an address of hesabe"}},
		},
		"credentials that call another address": {
			func(l *local) { l.seed(`{"username":"u","password":"p","base_url":"http://` + closedPort(l.t) + `"}`) },
			warns("credentials", "hesabe/default: base_url changes from http://127.0.0.1:", "the next run sends the refresh token there",
				"put the former address back", "tokenctl seed credentials --provider hesabe"),
		},
		"credentials with a mistake": {
			func(l *local) { l.seed(`{"username":"u"}`) }, fails("credentials", "password is missing", "seed credentials"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLocal(t)
			c.spoil(l)
			report := doctor.Run(t.Context(), l.Checks())
			want(t, report.Findings, c.check, c.verdict, c.says...)
			assert.Check(t, !report.Well, "the report says that all is well")
		})
	}
}

// Of several accounts, each line about an address names those that use it.
func TestAddressesOfSeveralAccounts(t *testing.T) {
	t.Parallel()
	l := newLocal(t)
	l.Accounts = []string{"default", "shop-2", "shop-3"}
	l.seedAccount("shop-2", `{"username":"u","password":"p","base_url":"http://`+closedPort(t)+`"}`)
	l.seedAccount("shop-3", l.boxes.Credentials(sandbox.Hesabe))
	findings := doctor.Run(t.Context(), l.Checks()).Findings
	want(t, findings, "hesabe address", doctor.OK, "hesabe/default, shop-3: http://", " answers")
	want(t, findings, "hesabe address", doctor.Fail, "hesabe/shop-2: ", "refuses connections", "seed credentials --provider hesabe --account shop-2")
}

func TestRoom(t *testing.T) {
	t.Parallel()
	for free, verdict := range map[uint64]doctor.Verdict{0: doctor.Fail, 100<<20 - 1: doctor.Fail, 100 << 20: doctor.OK} {
		f := doctor.JudgeRoom(free, "/var")
		assert.Check(t, f.Verdict == verdict, "%d bytes: %+v", free, f)
	}
}

// The doctor creates no file.
func TestMachineMakesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new", "state.db")
	report := doctor.Run(t.Context(), doctor.Machine{State: path, Now: time.Now}.Checks())
	want(t, report.Findings, "file", doctor.Fail, path)
	_, err := os.Stat(filepath.Dir(path))
	assert.Check(t, errors.Is(err, fs.ErrNotExist), "something is there now: %v", err)
}

func (l *local) must(err error) {
	l.t.Helper()
	assert.NilError(l.t, err)
}

func (l *local) open() {
	l.t.Helper()
	var err error
	l.home, err = home.Open(l.t.Context(), home.Options{Kind: home.Embedded, State: l.State})
	l.must(err)
}
