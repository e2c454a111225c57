package main

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

const module = "tokenrefresh/"

// build compiles a package the way the deployed functions are built and returns the
// path of the binary. goarch is empty for the machine at hand.
func build(ctx context.Context, dir, pkg, goarch string) (string, error) {
	binary := filepath.Join(dir, goarch, filepath.Base(pkg), "bootstrap")
	cmd := exec.CommandContext(ctx, "go", "build",
		"-trimpath", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", binary, module+pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if goarch != "" {
		cmd.Env = append(cmd.Env, "GOOS=linux", "GOARCH="+goarch)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return binary, nil
}

// zipped is the size in bytes of the binary's deployment package.
func zipped(binary string) (int64, error) {
	f, err := os.Open(binary)
	if err != nil {
		return 0, fmt.Errorf("zip: %w", err)
	}
	defer func() { _ = f.Close() }()
	size := &counter{}
	archive := zip.NewWriter(size)
	entry, err := archive.Create("bootstrap")
	if err != nil {
		return 0, fmt.Errorf("zip: %w", err)
	}
	if _, err := io.Copy(entry, f); err != nil {
		return 0, fmt.Errorf("zip: %w", err)
	}
	if err := archive.Close(); err != nil {
		return 0, fmt.Errorf("zip: %w", err)
	}
	return size.n, nil
}

// counter counts what is written to it.
type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}
