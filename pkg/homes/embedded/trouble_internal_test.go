package embedded

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"

	"gotest.tools/v3/assert"

	bbolterrors "go.etcd.io/bbolt/errors"

	"tokenrefresh/pkg/store"
)

// Each kind has its sentence, which names the file. A restore is advised only for a damaged file,
// and last.
func TestTroubles(t *testing.T) {
	t.Parallel()
	at := func(err error) error { return &os.PathError{Op: "open", Path: "/x", Err: err} }
	for title, tt := range map[string]struct {
		err    error
		want   Kind
		passes bool
		words  string
	}{
		"read-only file system": {err: at(syscall.EROFS), want: ReadOnly, words: "remount"},
		"no permission":         {err: at(syscall.EACCES), want: Denied, words: "ls -l /d/state.db"},
		"not permitted":         {err: at(syscall.EPERM), want: Denied, words: "chmod 700 /d"},
		"disk full":             {err: at(syscall.ENOSPC), want: Full, passes: true, words: "df -h /d"},
		"quota":                 {err: at(syscall.EDQUOT), want: Full, passes: true, words: "make room"},
		"file size limit":       {err: at(syscall.EFBIG), want: Full, passes: true, words: "make room"},
		"bad disk":              {err: at(syscall.EIO), want: Unreached, words: "copy the file"},
		"a directory":           {err: at(syscall.EISDIR), want: NotAFile, words: "directory"},
		"below a file":          {err: at(syscall.ENOTDIR), want: NotAFile, words: "not a directory"},
		"gone":                  {err: at(syscall.ENOENT), want: Missing, words: "put it back"},
		"another's":             {err: errForeign, want: Foreign, words: "--state"},
		"a later bbolt":         {err: bbolterrors.ErrVersionMismatch, want: Newer, words: "use the program that wrote it"},
		"no database":           {err: bbolterrors.ErrInvalid, want: Damaged, words: "restore a backup last"},
		"damaged":               {err: errDamaged, want: Damaged, words: "restore a backup last"},
		"held":                  {err: errLocked, want: Locked, passes: true, words: "fuser /d/state.db"},
		"others read it":        {err: &exposed{0o644}, want: Exposed, words: "chmod 600 /d/state.db"},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			got, known := errors.AsType[*TroubleError](name("/d/state.db", tt.err))
			assert.Assert(t, known && got.Kind == tt.want && got.Passes() == tt.passes && errors.Is(got, tt.err),
				"trouble %+v", got)
			text := got.Error()
			if !strings.HasPrefix(text, "state file /d/state.db: ") || !strings.Contains(text, tt.words) || strings.Contains(text, "PATH") ||
				strings.Contains(text, "backup") != (tt.want == Damaged) || strings.Contains(text, "\n") {
				t.Errorf("says %q", text)
			}
		})
	}
	if got, known := errors.AsType[*TroubleError](name("/d/state.db", errors.New("another error"))); known {
		t.Errorf("trouble %+v", got)
	}
}

// A missing permission is the port's error too, and an error keeps its kind.
func TestDeniedIsThePortsError(t *testing.T) {
	t.Parallel()
	err := name("/d/state.db", &exposed{0o644})
	trouble, ok := errors.AsType[*TroubleError](err)
	if !errors.Is(err, store.ErrForbidden) || !errors.Is(err, fs.ErrPermission) || !ok || trouble.Kind != Exposed {
		t.Errorf("%v", err)
	}
}

// A panic of ours is not taken for damage.
func TestOurPanicIsNoDamage(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(){
		"ours":      func() { panic("a bug") },
		"an index":  func() { _ = os.Args[len(os.Args)+len(t.Name())] },
		"a library": func() { _ = strings.Repeat("x", -len(t.Name())) },
	} {
		func() {
			defer func() {
				assert.Check(t, recover() != nil, "%s: it does not go on", name)
			}()
			_ = guard(func() error { do(); return nil })
		}()
	}
}
