// Package mutation holds the tests of the protocol to account. It is a table of
// deliberate breaks, each one small edit of the engine that takes back one promise,
// and a test that builds the engine with each of them and demands that the
// explorations of pkg/refresh (every fault at every call, pairs of faults, chaos) fail.
// Tests that were written for a single case do not count here.
//
// It shows that these breaks are caught, and not that every break would be.
package mutation
