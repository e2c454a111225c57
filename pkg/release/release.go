// Package release has the version of this code. It is a constant because functions are built
// without the commit's data, so that a build has the same bytes everywhere.
package release

// Version is the version of tokenctl and of the functions, by semver.org. Raise it with each
// release.
const Version = "0.9.0"
