package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"tokenrefresh/internal/operator/catalog"
)

// program is one program for one system.
type program struct {
	function string // of the catalog; empty: tokenctl
	os, arch string // as Go names them
}

// programs are all programs of a release.
func programs() []program {
	var all []program
	for _, os := range []string{"darwin", "linux", "windows"} {
		for _, arch := range []string{"amd64", "arm64"} {
			all = append(all, program{os: os, arch: arch})
		}
	}
	for _, entry := range catalog.All() {
		for _, arch := range []string{"amd64", "arm64"} {
			all = append(all, program{function: entry.Name, os: "linux", arch: arch})
		}
	}
	return all
}

// name is the name of its package, without the suffix. A function's has the architecture as
// Lambda names it.
func (p program) name(version string) string {
	if p.function == "" {
		return fmt.Sprintf("tokenctl_%s_%s_%s", version, p.os, p.arch)
	}
	return fmt.Sprintf("refresh-%s_%s_%s", p.function, version, strings.Replace(p.arch, "amd64", "x86_64", 1))
}

// path is its main package.
func (p program) path() string {
	if p.function == "" {
		return "./cmd/tokenctl"
	}
	return "./functions/refresh-" + p.function
}

// binary is the name of its file.
func (p program) binary() string {
	switch {
	case p.function != "":
		return "bootstrap" // which provided.al2023 starts
	case p.os == "windows":
		return "tokenctl.exe"
	}
	return "tokenctl"
}

// suffix is its package's.
func (p program) suffix() string {
	if p.function != "" || p.os == "windows" {
		return ".zip"
	}
	return ".tar.gz"
}

// build puts the program's binary into dir. A function is built by the rule that `sam build`
// uses, and for a release it is what `sam build` makes.
func (d *dist) build(ctx context.Context, p program, dir string) error {
	if p.function == "" {
		_, err := d.run(ctx, p.env(), "go", "build", "-trimpath", "-buildvcs=false",
			"-ldflags", "-s -w "+d.stamp.flags(), "-o", filepath.Join(dir, p.binary()), p.path())
		return err
	}
	_, err := d.run(ctx, append(p.env(), "ARTIFACTS_DIR="+dir), "make", "--silent", "build-Refresh"+p.function,
		"GOARCH="+p.arch, "STAMP="+d.stamp.functionFlags())
	return err
}

// env tells Go about the program's system.
func (p program) env() []string { return []string{"GOOS=" + p.os, "GOARCH=" + p.arch} }
