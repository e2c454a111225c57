// Package release says which release this code is of. A function is built without what Go knows
// of the commit, so that a build has the same bytes everywhere; so this is a constant.
package release

// Version is that of tokenctl and of the functions, as semver.org has it. Raise it with each
// release.
const Version = "0.9.0"
