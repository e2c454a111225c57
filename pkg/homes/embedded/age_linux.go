package embedded

import (
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// bootID names the machine's last start.
var bootID = sync.OnceValue(func() string {
	id, _ := os.ReadFile("/proc/sys/kernel/random/boot_id") // without one there are no ages
	return strings.TrimSpace(string(id))
})

// bootClock is the machine's clock, which goes on while it sleeps.
func bootClock() moment {
	var since unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &since) != nil {
		return moment{}
	}
	return moment{Boot: bootID(), Since: time.Duration(since.Nano())}
}
