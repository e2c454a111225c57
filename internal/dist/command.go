package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
)

// kept are the settings of Go that say where modules come from and where files are kept. No
// other setting of a person's or a machine's may reach a build.
var kept = []string{
	"GOPROXY", "GOSUMDB", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOINSECURE", "GOAUTH", "GOVCS", "GOPATH", "GOMODCACHE", "GOCACHE",
}

// environment is the environment of each command. It fails if this is not the Go that builds
// releases: another one makes other bytes.
func environment(ctx context.Context) ([]string, error) {
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		return nil, err
	}
	_, after, _ := strings.Cut(string(mod), "\ntoolchain ")
	toolchain, _, _ := strings.Cut(after, "\n")
	if runtime.Version() != toolchain {
		return nil, fmt.Errorf("go.mod wants releases built by %s, and this is %s: use make release", toolchain, runtime.Version())
	}
	output, err := exec.CommandContext(ctx, "go", append([]string{"env", "-json"}, kept...)...).Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	var settings map[string]string
	if err := json.Unmarshal(output, &settings); err != nil {
		return nil, err
	}
	env := slices.DeleteFunc(os.Environ(), func(variable string) bool {
		return slices.ContainsFunc([]string{"GO", "CGO_", "MAKE", "MFLAGS"}, func(prefix string) bool {
			return strings.HasPrefix(variable, prefix)
		})
	})
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		env = append(env, name+"="+settings[name])
	}
	return append(env, "GOENV=off", "GOWORK=off", "GOFLAGS=-mod=readonly", "CGO_ENABLED=0", "GOTOOLCHAIN="+toolchain), nil
}

// run runs a command with more variables and returns what it prints to standard output.
func (d *dist) run(ctx context.Context, more []string, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = slices.Concat(d.env, more)
	var errors bytes.Buffer
	cmd.Stderr = &errors
	output, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, errors.Bytes())
	}
	return output, nil
}
