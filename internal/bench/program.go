package main

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"tokenrefresh/internal/fakeaws"
	"tokenrefresh/internal/runtimeapi"
)

// program is a binary in its world.
type program struct {
	binary string
	env    map[string]string
	world  *fakeaws.World // nil: it calls nobody
	answer string         // part of the answer to an event
}

// build compiles a package as the deployed functions are built, and returns the path of the
// binary. Without variables such as GOARCH it is for this machine.
func build(ctx context.Context, dir, pkg string, variables ...string) (string, error) {
	progress("building %s", pkg)
	binary := filepath.Join(append(append([]string{dir}, variables...), filepath.Base(pkg), "bootstrap")...)
	cmd := exec.CommandContext(ctx, "go", "build",
		"-trimpath", "-tags", "lambda.norpc,nethttpomithttp2", "-ldflags", "-s -w", "-o", binary, "tokenrefresh/"+pkg)
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0"), variables...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return binary, nil
}

// zipped is the size in bytes of the binary's deployment package.
func zipped(binary string) (int, error) {
	text, err := os.ReadFile(binary)
	if err != nil {
		return 0, fmt.Errorf("zip: %w", err)
	}
	var packed bytes.Buffer
	archive := zip.NewWriter(&packed)
	entry, err := archive.Create("bootstrap")
	if err == nil {
		_, err = io.Copy(entry, bytes.NewReader(text))
	}
	if err == nil {
		err = archive.Close()
	}
	return packed.Len(), err
}

// start starts the program with time for everything, on a busy machine too.
func (p *program) start(ctx context.Context) (*runtimeapi.Function, error) {
	return runtimeapi.Start(ctx, runtimeapi.Options{Binary: p.binary, Env: p.env, Timeout: 5 * time.Minute})
}

// invoke fails unless the program answers as it should: a quick failure must not pass for speed.
func (p *program) invoke(ctx context.Context, f *runtimeapi.Function, event string) (runtimeapi.Response, error) {
	r, err := f.Invoke(ctx, []byte(event))
	switch {
	case err != nil:
		return r, fmt.Errorf("%s: %w", p.binary, err)
	case r.FunctionError != nil:
		return r, fmt.Errorf("%s: %w\n%s", p.binary, r.FunctionError, f.Logs())
	case !bytes.Contains(r.Payload, []byte(p.answer)):
		return r, fmt.Errorf("%s: answered %s, want %s in it\n%s", p.binary, r.Payload, p.answer, f.Logs())
	}
	return r, nil
}
