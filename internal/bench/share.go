package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"tokenrefresh/internal/runtimeapi"
)

// period is that of the quota: in each the processor is the function's for its share of it.
const period = 20 * time.Millisecond

var errNoShare = errors.New("control groups cannot be written: what a share of a processor does is not measured")

// limit holds a function's process from now on to the share of a processor that Lambda gives a
// function of so many megabytes, 7.24 % at 128, by a control group of either version of the
// kernel's interface. Release it when the process has ended. The error is errNoShare where control
// groups cannot be written.
func limit(f *runtimeapi.Function, megabytes int) (release func(), err error) {
	micros := func(d time.Duration) string { return strconv.FormatInt(d.Microseconds(), 10) }
	quota, every := micros(period*time.Duration(megabytes)/cpuMB), micros(period)
	pid := strconv.Itoa(f.Process().PID)
	for _, g := range []struct {
		root     string
		settings [][2]string
	}{
		{"/sys/fs/cgroup/cpu", [][2]string{{"cpu.cfs_period_us", every}, {"cpu.cfs_quota_us", quota}}},
		{"/sys/fs/cgroup", [][2]string{{"cpu.max", quota + " " + every}}},
	} {
		dir := filepath.Join(g.root, "token-refresh-bench-"+pid)
		if err = os.Mkdir(dir, 0o700); err != nil {
			continue
		}
		for _, s := range append(g.settings, [2]string{"cgroup.procs", pid}) {
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, s[0]), []byte(s[1]), 0o600)
			}
		}
		release = func() { _ = os.Remove(dir) } // which holds no file of its own
		if err == nil {
			return release, nil
		}
		release()
	}
	return nil, fmt.Errorf("%w (%w)", errNoShare, err)
}
