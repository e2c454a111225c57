package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// packages are the engine, what it runs, and what its base image is made of.
var packages = []string{"docker.io", "containerd", "runc", "busybox-static"}

// engineFolder is where they are unpacked; nothing is installed.
var engineFolder = filepath.Join(".aws-sam", "engine")

// engineRoot is the root of the unpacked files.
func engineRoot() string { return filepath.Join(engineFolder, "root") }

// cannotBring says why this machine cannot bring its own engine; empty: it can.
func cannotBring() string {
	if runtime.GOOS != "linux" {
		return "this is no Linux"
	}
	if os.Geteuid() != 0 {
		return "this user is not root"
	}
	for _, program := range []string{"apt-get", "dpkg"} {
		if _, err := exec.LookPath(program); err != nil {
			return "there is no " + program
		}
	}
	return ""
}

// unpack downloads and unpacks the packages, once.
func unpack(ctx context.Context) error {
	marker := filepath.Join(engineFolder, ".ready")
	if _, err := os.Stat(marker); err == nil {
		return nil
	}
	downloads := filepath.Join(engineFolder, "packages")
	if err := os.RemoveAll(engineFolder); err != nil {
		return err
	}
	if err := os.MkdirAll(downloads, 0o755); err != nil {
		return err
	}
	download := append([]string{"download"}, packages...)
	if err := apt(ctx, downloads, download...); err != nil { // without lists, or by old ones
		if err := errors.Join(apt(ctx, downloads, "update"), apt(ctx, downloads, download...)); err != nil {
			return err
		}
	}
	files, err := filepath.Glob(filepath.Join(downloads, "*.deb"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := command(ctx, "", "dpkg", "-x", file, engineRoot()); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(downloads); err != nil {
		return err
	}
	return os.WriteFile(marker, nil, 0o600)
}

func apt(ctx context.Context, dir string, args ...string) error {
	return command(ctx, dir, "apt-get", append([]string{"-qq"}, args...)...)
}

// command runs a program in a folder. Its error shows what the program has said.
func command(ctx context.Context, dir, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	said, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", program, err, said)
	}
	return nil
}
