//go:build !linux

package embedded

// bootClock is no clock: versions have no age here.
func bootClock() moment { return moment{} }
