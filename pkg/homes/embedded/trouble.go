package embedded

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	bbolterrors "go.etcd.io/bbolt/errors"

	"tokenrefresh/pkg/store"
)

// Kind is what is wrong with a state file.
type Kind string

// The kinds. Locked and Full pass by themselves; all others wait for a person.
const (
	Missing   Kind = "missing"   // there was one
	NotAFile  Kind = "notafile"  // a directory, say, lies in its place
	Exposed   Kind = "exposed"   // others may read it
	Denied    Kind = "denied"    // this user may not open it
	ReadOnly  Kind = "readonly"  // its file system is mounted so
	Foreign   Kind = "foreign"   // somebody else's
	Newer     Kind = "newer"     // a later program wrote it
	Damaged   Kind = "damaged"   // cut short, or with unreadable pages
	Unreached Kind = "unreached" // its disk answers with errors
	Locked    Kind = "locked"    // another process holds it
	Full      Kind = "full"      // its disk has no room
)

const (
	mendName  = "name another file with --state"
	mendNewer = "use the program that wrote it, or a later one"
)

// No program can repair a damaged file and know which of its tokens are spent. A backup is the last
// resort: it presents tokens again that were spent since.
const mendDamaged = "move it aside and keep it, then begin a new one with `tokenctl seed credentials`, which logs in; " +
	"restore a backup last, for it presents tokens again that were sent since (docs/single-machine.md)"

// TroubleError is a state file that cannot be used.
type TroubleError struct {
	Kind Kind
	Path string
	What string // is wrong
	Mend string // what to do
	err  error
}

// Error implements error: one sentence with path, What and Mend.
func (t *TroubleError) Error() string { return "state file " + t.Path + ": " + t.What + ": " + t.Mend }

// Unwrap gives the cause to errors.Is: fs.ErrNotExist of Missing, fs.ErrPermission of
// Exposed and Denied.
func (t *TroubleError) Unwrap() error { return t.err }

// Is reports whether the trouble is the ports' error for a missing permission.
func (t *TroubleError) Is(target error) bool {
	return target == store.ErrForbidden && errors.Is(t.err, fs.ErrPermission)
}

// Passes reports whether the trouble may be over at the next try, without a person.
func (t *TroubleError) Passes() bool { return t.Kind == Locked || t.Kind == Full }

// Causes of our own, beside those of the system and of libraries.
var (
	errForeign = errors.New("it is not a file of token-refresh")
	errNewer   = errors.New("a later program wrote it")
	errDamaged = errors.New("it is damaged")
	errLocked  = errors.New("another process holds it")
	errExposed = errors.New("others may read it")
	errSpecial = errors.New("it is not a regular file")
)

// exposed is the error of a file that others may read.
type exposed struct{ mode fs.FileMode }

func (e *exposed) Error() string {
	return fmt.Sprintf("others may read its tokens (mode %04o)", e.mode)
}

func (e *exposed) Is(target error) bool { return target == errExposed || target == fs.ErrPermission }

// causes maps errors to troubles; the first that fits counts.
var causes = []struct {
	is         []error
	kind       Kind
	what, mend string // without what, the error's own text
}{
	{[]error{errExposed}, Exposed, "", "run `chmod 600 PATH`"},
	{[]error{errNewer}, Newer, "", mendNewer},
	{[]error{bbolterrors.ErrVersionMismatch}, Newer, "its format is not the one that this program knows", mendNewer},
	{[]error{errForeign, errSpecial}, Foreign, "", mendName},
	{
		[]error{bbolterrors.ErrInvalid, bbolterrors.ErrChecksum},
		Damaged,
		"it is not a file of token-refresh, or its first pages are damaged", mendName + "; if it is the right one, " + mendDamaged,
	},
	{[]error{errDamaged}, Damaged, "", mendDamaged},
	{[]error{errLocked}, Locked, "", "let that process finish or stop it (`fuser PATH` names it), then try again"},
	{[]error{syscall.EISDIR}, NotAFile, "it is a directory", mendName},
	{[]error{syscall.ENOTDIR}, NotAFile, "a part of its path is not a directory", mendName},
	{
		[]error{syscall.EROFS},
		ReadOnly, "its file system is read-only",
		"look in the system's log for errors of the disk, then make it writable (`mount -o remount,rw …`)",
	},
	{
		[]error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG},
		Full, "there is no room for it to grow",
		"make room (`df -h DIR`), then try again",
	},
	{
		[]error{syscall.EIO, syscall.ESTALE, syscall.ENXIO},
		Unreached, "its disk answers with an error",
		"look in the system's log, and copy the file to another disk before anything else",
	},
	{[]error{fs.ErrNotExist}, Missing, "the file is gone", "put it back, or start anew with a new one"},
	{
		[]error{fs.ErrPermission},
		Denied, "this user may not use it",
		"run this as its owner (`ls -l PATH`), who alone must have access (`chmod 700 DIR; chmod 600 PATH`)",
	},
}

// name puts the path before an error, and behind it what to do, if that is known.
func name(path string, err error) error {
	if known, ok := errors.AsType[*TroubleError](err); ok {
		return known
	}
	for _, c := range causes {
		if !slices.ContainsFunc(c.is, func(is error) bool { return errors.Is(err, is) }) {
			continue
		}
		mend := strings.NewReplacer("PATH", path, "DIR", filepath.Dir(path)).Replace(c.mend)
		return &TroubleError{Kind: c.kind, Path: path, What: cmp.Or(c.what, err.Error()), Mend: mend, err: err}
	}
	return fmt.Errorf("state file %s: %w", path, err)
}
