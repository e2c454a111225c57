package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// bring runs this program again in network, mount and process namespaces of its own. What
// starts in them ends with them, and this machine's network stays as it is.
func bring(ctx context.Context) error {
	release, err := lock()
	if err != nil {
		return err
	}
	defer release()
	if err := unpack(ctx); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	removeRuns() // of a process that was killed
	defer removeRuns()
	data, err := os.MkdirTemp(engineFolder, runPrefix)
	if err != nil {
		return err
	}
	if data, err = filepath.Abs(data); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, self, inside, data)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 2 * stopLimit
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID,
		Setpgid:    true, // an interrupt comes from here alone
		Pdeathsig:  syscall.SIGKILL,
	}
	runtime.LockOSThread() // the child dies with the thread that has made it
	defer runtime.UnlockOSThread()
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("in its own namespaces: %w", err)
	}
	return nil
}

// runInside starts the engine, as the first process of its namespaces, and plays.
func runInside(ctx context.Context, data string) error {
	if err := isolate(); err != nil {
		return err
	}
	root, err := filepath.Abs(engineRoot())
	if err != nil {
		return err
	}
	sockets := socketFolder(data)
	if err := os.MkdirAll(sockets, 0o700); err != nil {
		return err
	}
	paths := []string{filepath.Join(root, "usr", "sbin"), filepath.Join(root, "usr", "bin"), os.Getenv("PATH")}
	if err := errors.Join(
		os.Setenv("PATH", strings.Join(paths, string(os.PathListSeparator))),
		os.Setenv("DOCKER_HOST", "unix://"+filepath.Join(sockets, "docker.sock")),
	); err != nil {
		return err
	}
	docker, err := start(ctx, "API listen on", "dockerd", "-H", os.Getenv("DOCKER_HOST"),
		"--data-root", filepath.Join(data, "data"), "--exec-root", filepath.Join(sockets, "exec"), "-p", filepath.Join(sockets, "pid"),
		"--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false",
		"--exec-opt", "native.cgroupdriver=cgroupfs", "--cgroup-parent", "/"+filepath.Base(data))
	if err != nil {
		return err
	}
	defer docker.stop()
	busybox, err := os.ReadFile(filepath.Join(root, "bin", "busybox"))
	if err != nil {
		return err
	}
	image, err := smallImage(busybox)
	if err != nil {
		return err
	}
	if _, err := engine(ctx, image, "import", baseImage()); err != nil {
		return err
	}
	return play(ctx, everywhere)
}

// isolate keeps mounts to these namespaces, shows their processes, and brings loopback up.
func isolate() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	loopback, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, loopback); err != nil {
		return fmt.Errorf("loopback: %w", err)
	}
	loopback.SetUint16(loopback.Uint16() | unix.IFF_UP)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, loopback); err != nil {
		return fmt.Errorf("loopback: %w", err)
	}
	return nil
}

// apart puts a child into a group of its own: an interrupt at the terminal must not end it
// before those that use it. If this process is killed the child is interrupted.
func apart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGINT}
}

// runPrefix begins the names of a run's folder and of its containers' control groups.
const runPrefix = "token-refresh-"

// socketFolder is where a run's engine has its sockets. A socket's path has 107 characters at
// most, so it can't be in the project, whose own path may be long.
func socketFolder(data string) string { return filepath.Join("/run", filepath.Base(data)) }

// lock keeps a second run in this folder waiting.
func lock() (release func(), err error) {
	if err := os.MkdirAll(filepath.Dir(engineFolder), 0o755); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(engineFolder+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX); err != nil {
		return nil, fmt.Errorf("lock %s: %w", file.Name(), err)
	}
	return func() { _ = file.Close() }, nil
}

// removeRuns removes what runs have left on disk, and their control groups.
func removeRuns() {
	runs, err := filepath.Glob(filepath.Join(engineFolder, runPrefix+"*"))
	if err != nil {
		return
	}
	for _, run := range runs {
		_ = os.RemoveAll(run)
		_ = os.RemoveAll(socketFolder(run))
		removeGroups(filepath.Base(run))
	}
}

// removeGroups removes the control groups of the containers, which outlive their processes.
func removeGroups(name string) {
	const all = "/sys/fs/cgroup"
	for _, pattern := range []string{filepath.Join(all, name), filepath.Join(all, "*", name)} {
		groups, err := filepath.Glob(pattern)
		if err != nil {
			continue
		}
		for _, group := range groups {
			var folders []string
			_ = filepath.WalkDir(group, func(path string, entry os.DirEntry, err error) error {
				if err == nil && entry.IsDir() {
					folders = append(folders, path)
				}
				return nil
			})
			for _, folder := range slices.Backward(folders) {
				_ = unix.Rmdir(folder)
			}
		}
	}
}
