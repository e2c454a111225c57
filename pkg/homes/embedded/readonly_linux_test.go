package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/homes/embedded"
	"tokenrefresh/pkg/store"
)

// errNoMount is a machine on which this process may not mount anything, in no namespace.
var errNoMount = errors.New("no mount")

func init() { childTasks["read-only"] = onReadOnlyFileSystem }

// On a file system that turns read-only, reads work and writes fail with a clear error. Writes work
// as soon as it is writable again.
func TestReadOnlyFileSystem(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"=read-only:"+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	switch {
	case err == nil:
	case !errors.Is(err, syscall.EPERM) && !strings.Contains(string(out), errNoMount.Error()):
		t.Fatalf("%s: %v", out, err)
	case os.Getuid() == 0:
		t.Skip("root that may not mount has no read-only file system: run it as another user, or with CAP_SYS_ADMIN")
	default:
		withoutPermission(t)
	}
}

// onReadOnlyFileSystem is the other process, with mounts of its own.
func onReadOnlyFileSystem(dir string) error {
	ctx := context.Background()
	mount := func(flags uintptr) error {
		if err := syscall.Mount("tmpfs", dir, "tmpfs", flags, "mode=0700"); err != nil {
			return fmt.Errorf("%w: %w", errNoMount, err)
		}
		return nil
	}
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("%w: %w", errNoMount, err)
	}
	if err := mount(0); err != nil {
		return err
	}
	path := filepath.Join(dir, "state.db")
	home, err := embedded.Open(ctx, path)
	if err != nil {
		return err
	}
	if err := count(ctx, home.Ledger(), sharedKey, 1); err != nil {
		return err
	}
	if err := mount(syscall.MS_REMOUNT | syscall.MS_RDONLY); err != nil {
		return err
	}
	if err := refusesWrites(ctx, home, path, embedded.ReadOnly); err != nil {
		return err
	}
	if err := mount(syscall.MS_REMOUNT); err != nil {
		return err
	}
	return count(ctx, home.Ledger(), sharedKey, 1)
}

// withoutPermission is the same for a user who may not write.
func withoutPermission(t *testing.T) {
	t.Helper()
	home, path := open(t)
	assert.NilError(t, count(t.Context(), home.Ledger(), sharedKey, 1))
	chmod := func(file, dir os.FileMode) {
		assert.NilError(t, errors.Join(os.Chmod(path, file), os.Chmod(filepath.Dir(path), dir)))
	}
	chmod(0o400, 0o500)
	defer chmod(0o600, 0o700) // for the removal
	assert.Check(t, refusesWrites(t.Context(), home, path, embedded.Denied))
	chmod(0o600, 0o700)
	assert.Check(t, count(t.Context(), home.Ledger(), sharedKey, 1))
}

// refusesWrites is why a home, whose row has been written once, is not read as before, or
// refuses writes for another reason than kind.
func refusesWrites(ctx context.Context, home *embedded.Home, path string, kind embedded.Kind) error {
	if row, _, err := home.Ledger().Row(ctx, sharedKey); err != nil || row.Fence != 1 {
		return fmt.Errorf("fence %d: %w", row.Fence, err)
	}
	_, reopened := embedded.Open(ctx, path)
	_, elsewhere := embedded.Open(ctx, filepath.Join(filepath.Dir(path), "new", "state.db"))
	for what, err := range map[string]error{
		"a write":   home.Ledger().Write(ctx, store.Row{Key: sharedKey, Fence: 2}, store.Guard{Fence: 1}),
		"a try":     home.TryWrite(ctx),
		"an open":   reopened,
		"a new one": elsewhere,
	} {
		trouble, ok := errors.AsType[*embedded.TroubleError](err)
		if !ok || trouble.Kind != kind || trouble.Passes() {
			return fmt.Errorf("%s: %w", what, errors.Join(err, errors.ErrUnsupported))
		}
	}
	if _, err := embedded.OpenExisting(ctx, path); err != nil {
		return fmt.Errorf("read what is there: %w", err)
	}
	return nil
}

// A pipe in place of the file does not block.
func TestPipe(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.db")
	assert.NilError(t, syscall.Mkfifo(path, 0o600))
	_, err := embedded.OpenExisting(t.Context(), path)
	if trouble, ok := errors.AsType[*embedded.TroubleError](err); !ok || trouble.Kind != embedded.Foreign {
		t.Errorf("%v", err)
	}
}
