package main

import (
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"tokenrefresh/internal/runtimeapi"
)

// period is that of the quota: in each the processor is the function's for its share of it.
const period = 20 * time.Millisecond

// limit holds a function's process from now on to the share of a processor that Lambda gives a
// function of so many megabytes, 7.24 % at 128. Release it when the process has ended. The error
// says why that cannot be done.
func limit(f *runtimeapi.Function, megabytes int) (release func(), err error) {
	quota := period * time.Duration(megabytes) / cpuMB
	if release, err = group(f.Process().PID, quota); err == nil {
		return release, nil
	}
	if f.Process().CPU == 0 { // there is no /proc
		return nil, err
	}
	told.Do(func() {
		progress("control groups cannot be written (%v): processes are stopped and continued, which takes time of its own", err)
	})
	return duty(f, quota), nil
}

var told sync.Once

// group does so by a control group, of either version of the kernel's interface.
func group(pid int, quota time.Duration) (release func(), err error) {
	micros := func(d time.Duration) string { return strconv.FormatInt(d.Microseconds(), 10) }
	for _, g := range []struct {
		root     string
		settings [][2]string
	}{
		{"/sys/fs/cgroup/cpu", [][2]string{{"cpu.cfs_period_us", micros(period)}, {"cpu.cfs_quota_us", micros(quota)}}},
		{"/sys/fs/cgroup", [][2]string{{"cpu.max", micros(quota) + " " + micros(period)}}},
	} {
		dir := filepath.Join(g.root, "token-refresh-bench-"+strconv.Itoa(pid))
		if err = os.Mkdir(dir, 0o700); err != nil {
			continue
		}
		for _, s := range append(g.settings, [2]string{"cgroup.procs", strconv.Itoa(pid)}) {
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
	return nil, err
}

// duty does so where control groups cannot be written: it stops the process whenever that has
// used more than was due to it by the end of the period, and lets it go on when more is due.
func duty(f *runtimeapi.Function, quota time.Duration) (release func()) {
	began, before, pid := time.Now(), f.Process().CPU, f.Process().PID
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		look := time.NewTicker(period / 50)
		defer look.Stop()
		stopped := false
		for {
			select {
			case <-over:
				_ = syscall.Kill(pid, syscall.SIGCONT)
				return
			case <-look.C:
			}
			periods := 1 + int64(time.Since(began)/period)
			due := time.Duration(periods * int64(quota))
			switch ahead := f.Process().CPU-before > due; {
			case ahead && !stopped:
				stopped = syscall.Kill(pid, syscall.SIGSTOP) == nil
			case !ahead && stopped:
				stopped = syscall.Kill(pid, syscall.SIGCONT) != nil
			}
		}
	}()
	return func() {
		close(over)
		<-ended
	}
}
