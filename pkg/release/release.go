// Package release says which release this code is.
package release

// number is the next release, or the one that this code is, as semver.org writes it. Its tag is
// the same with a "v" before it. Raise it with the first change after a release.
const number = "0.9.0"

// The linker sets these in what `make release` builds. Everything else is built without them,
// so that a function has the same bytes wherever it is built.
var (
	// suffix marks a build of a commit without a tag: "-dev.0123456789ab".
	suffix string
	// commit is the commit's full hash.
	commit string
)

// Version is the version of tokenctl and of the functions.
var Version = number + suffix

// Commit is the commit that `make release` built, else "".
func Commit() string { return commit }
