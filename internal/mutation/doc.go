// Package mutation holds the tests of the protocol to account. It is a table of
// deliberate breaks, each one small edit of the engine that takes back one promise,
// and a test that builds the engine with each of them and demands that a test of
// pkg/refresh fails: every fault at every call first, then those that were written for a
// case, then pairs of faults and chaos. A test that counts calls is not asked.
//
// It shows that these breaks are caught, and not that every break would be.
package mutation
