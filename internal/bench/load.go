package main

import (
	"bufio"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// tick is what /proc/stat counts in.
const tick = 10 * time.Millisecond

// busy is the time that all processors together were busy so far; 0 where the system
// does not tell.
func busy() time.Duration {
	f, err := os.Open("/proc/stat")
	if err != nil {
		return 0
	}
	defer func() { _ = f.Close() }()
	line, err := bufio.NewReader(f).ReadString('\n')
	fields := strings.Fields(line)
	if err != nil || len(fields) < 9 {
		return 0
	}
	var sum time.Duration
	for _, i := range []int{1, 2, 3, 6, 7, 8} { // user, nice, system, irq, softirq, steal
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return 0
		}
		sum += time.Duration(n) * tick
	}
	return sum
}

// foreign is the share of the machine that others took while the sweep ran: what was
// busy in that time, less own, by all processors.
func foreign(busy, own, elapsed time.Duration) float64 {
	return max(0, float64(busy-own)/float64(elapsed)/float64(runtime.NumCPU()))
}
