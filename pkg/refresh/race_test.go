//go:build race

package refresh_test

// thin: one in so many first faults is played. The race detector makes everything slow,
// and sees in few histories what it sees in many; `make test` plays all of them without.
const thin = 8
