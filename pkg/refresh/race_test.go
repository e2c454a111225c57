//go:build race

package refresh_test

// thin: one in so many first faults is played. The race detector is slow, and finds in few
// histories what it finds in many; `make test` plays all of them without it.
const thin = 8
