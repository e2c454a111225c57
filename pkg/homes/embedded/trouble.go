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
)

// Kind says what is wrong with a state file.
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

// A damaged file can be repaired by no program that knows what its tokens are worth. A
// backup is the last resort: it presents tokens again that were spent since.
const mendDamaged = "move it aside and keep it, then begin a new one with `tokenctl seed credentials`, which logs in; " +
	"restore a backup last, for it presents tokens again that were sent since (docs/single-machine.md)"

// Trouble is a state file that cannot be used. Its text names the file and says what to do.
type Trouble struct {
	Kind Kind
	Path string
	what string
	mend string
	err  error
}

// Error implements error: one sentence.
func (t *Trouble) Error() string { return "state file " + t.Path + ": " + t.what + ": " + t.mend }

// Mend is what to do, which Error says too.
func (t *Trouble) Mend() string { return t.mend }

// What is what is wrong, which Error says too.
func (t *Trouble) What() string { return t.what }

// Unwrap gives the cause to errors.Is: fs.ErrNotExist of Missing, fs.ErrPermission of
// Exposed and Denied.
func (t *Trouble) Unwrap() error { return t.err }

// Passes reports whether the trouble may be over at the next try, without a person.
func (t *Trouble) Passes() bool { return t.Kind == Locked || t.Kind == Full }

// Causes that are no system's and no library's.
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

// causes are what an error can be of, the first that fits.
var causes = []struct {
	is         []error
	kind       Kind
	what, mend string // without what, the error's own text
}{
	{is: []error{errExposed}, kind: Exposed, mend: "run `chmod 600 PATH`"},
	{is: []error{errNewer}, kind: Newer, mend: "use the program that wrote it, or a later one"},
	{is: []error{bbolterrors.ErrVersionMismatch}, kind: Newer, what: "its format is not the one that this program knows",
		mend: "use the program that wrote it, or a later one"},
	{is: []error{errForeign}, kind: Foreign, mend: "name another file with --state"},
	{is: []error{bbolterrors.ErrInvalid, bbolterrors.ErrChecksum}, kind: Damaged,
		what: "it is not a file of token-refresh, or its first pages are damaged", mend: "name another file with --state; if it is the right one, " + mendDamaged},
	{is: []error{errDamaged}, kind: Damaged, mend: mendDamaged},
	{is: []error{errLocked}, kind: Locked, mend: "let that process finish or stop it (`fuser PATH` names it), then try again"},
	{is: []error{errSpecial}, kind: NotAFile, mend: "name another file with --state"},
	{is: []error{syscall.EISDIR}, kind: NotAFile, what: "it is a directory", mend: "name another file with --state"},
	{is: []error{syscall.ENOTDIR}, kind: NotAFile, what: "a part of its path is not a directory", mend: "name another file with --state"},
	{is: []error{syscall.EROFS}, kind: ReadOnly, what: "its file system is read-only",
		mend: "look in the system's log whether the disk has errors, then make it writable (`mount -o remount,rw …`)"},
	{is: []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG}, kind: Full, what: "there is no room for it to grow",
		mend: "make room (`df -h DIR`), then try again"},
	{is: []error{syscall.EIO, syscall.ESTALE, syscall.ENXIO}, kind: Unreached, what: "its disk answers with an error",
		mend: "look in the system's log, and copy the file to another disk before anything else"},
	{is: []error{fs.ErrNotExist}, kind: Missing, what: "the file is gone", mend: "put it back, or start anew with a new one"},
	{is: []error{fs.ErrPermission}, kind: Denied, what: "this user may not use it",
		mend: "run this as its owner (`ls -l PATH`), or let the directory and the file be its alone (`chmod 700 DIR; chmod 600 PATH`)"},
}

// troubleOf is the trouble that err is about; nil where it is about none.
func troubleOf(path string, err error) *Trouble {
	if known, ok := errors.AsType[*Trouble](err); ok {
		return known
	}
	for _, c := range causes {
		if !slices.ContainsFunc(c.is, func(is error) bool { return errors.Is(err, is) }) {
			continue
		}
		mend := strings.NewReplacer("PATH", path, "DIR", filepath.Dir(path)).Replace(c.mend)
		return &Trouble{Kind: c.kind, Path: path, what: cmp.Or(c.what, err.Error()), mend: mend, err: err}
	}
	return nil
}

// name puts the path before an error, and what to do behind it where that is known.
func name(path string, err error) error {
	if t := troubleOf(path, err); t != nil {
		return t
	}
	return fmt.Errorf("state file %s: %w", path, err)
}
