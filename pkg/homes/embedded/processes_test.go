package embedded_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/bbolt"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/pkg/homes/embedded"
	"tokenrefresh/pkg/store"
)

// childEnv makes the test binary another process that works on a file.
const childEnv = "EMBEDDED_TEST_CHILD"

const claimsOfEach = 50

var sharedKey = store.Key{Provider: "hesabe", Account: "shared"}

func TestMain(m *testing.M) {
	task, path, isChild := strings.Cut(os.Getenv(childEnv), ":")
	if !isChild {
		os.Exit(m.Run())
	}
	if err := child(task, path); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// childTasks are what else another process can do.
var childTasks = map[string]func(path string) error{}

func child(task, path string) error {
	if do := childTasks[task]; do != nil {
		return do(path)
	}
	if task == "count" {
		home, err := embedded.Open(context.Background(), path)
		if err != nil {
			return err
		}
		fmt.Println("ready")
		return count(context.Background(), home.Ledger(), sharedKey, claimsOfEach)
	}
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		return err
	}
	tx, err := db.Begin(true)
	if err != nil {
		return err
	}
	if err := tx.DeleteBucket([]byte("ledger")); err != nil {
		return err
	}
	fmt.Println("ready")
	select {} // holds the file, and a write in it, until it is killed
}

// startChild starts another process and waits until it is ready.
func startChild(t *testing.T, task, path string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+task+":"+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	assert.NilError(t, err)
	assert.NilError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("the other process said %q: %v", line, err)
	}
	return cmd
}

// count adds to a row's fence by compare-and-swap, as claims do.
func count(ctx context.Context, ledger *embedded.Ledger, key store.Key, times int) error {
	for done := 0; done < times; {
		row, found, err := ledger.Row(ctx, key)
		if err != nil {
			return err
		}
		next := store.Row{Key: key, Fence: row.Fence + 1}
		err = ledger.Write(ctx, next, store.Guard{Absent: !found, Fence: row.Fence})
		if _, lost := errors.AsType[*store.LostError](err); lost {
			continue
		}
		if err != nil {
			return err
		}
		done++
	}
	return nil
}

func wantFence(t *testing.T, home *embedded.Home, key store.Key, want int64) {
	t.Helper()
	row, _, err := home.Ledger().Row(t.Context(), key)
	assert.Check(t, err == nil && row.Fence == want, "fence %d, %v; want %d", row.Fence, err, want)
}

// TestTwoProcesses: `tokenctl status` works beside `tokenctl run`, and neither
// undoes what the other does.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	home, path := open(t)
	other := startChild(t, "count", path)
	assert.NilError(t, count(t.Context(), home.Ledger(), sharedKey, claimsOfEach))
	assert.NilError(t, other.Wait())
	wantFence(t, home, sharedKey, 2*claimsOfEach)
}

// TestFileHeldElsewhere: an operation that waits for another process gives up in time, with a clear
// message, and works as soon as that process is dead. Nothing of its uncommitted write is left.
func TestFileHeldElsewhere(t *testing.T) {
	t.Parallel()
	home, path := open(t)
	assert.NilError(t, count(t.Context(), home.Ledger(), sharedKey, 1))
	holder := startChild(t, "hold", path)
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := home.Ledger().Rows(t.Context(), "hesabe")
		if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "another process") {
			t.Errorf("error %v, want one that names %s and the other process", err, path)
		}
		if waited := time.Since(start); waited != 10*time.Second {
			t.Errorf("gave up after %s", waited)
		}

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		assert.Check(t, is.ErrorIs(errorOf(home.Ledger().Rows(ctx, "hesabe")), context.DeadlineExceeded))

		counted := make(chan error)
		go func() { counted <- count(t.Context(), home.Ledger(), sharedKey, 1) }()
		synctest.Wait() // until it waits for the file
		assert.NilError(t, holder.Process.Kill())
		_ = holder.Wait() // says "signal: killed"
		assert.Check(t, <-counted)
		wantFence(t, home, sharedKey, 2)
	})
}
