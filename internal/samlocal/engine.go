package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// everywhere is the address to listen on for callers from any network.
const everywhere = "0.0.0.0"

// python is the one that has the SAM CLI.
var python = filepath.Join(".venv", "sam", "bin", "python")

// findEngine returns the address by which the containers of the engine that the SAM CLI
// finds reach this machine; empty if the engine names none.
func findEngine(ctx context.Context) (string, error) {
	out, err := engine(ctx, nil, "gateway")
	return strings.TrimSpace(out), err
}

// engine runs tools/engine.py and returns what it prints.
func engine(ctx context.Context, input io.Reader, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, python, append([]string{filepath.Join("tools", "engine.py")}, args...)...)
	cmd.Env, cmd.Stdin = environment(), input
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%w: %s", err, lastLines(said.String(), 1))
	}
	return out.String(), nil
}

// reachableFrom is the address to listen on for containers that call this machine gateway.
// Where no interface has it the engine runs in a virtual machine, which passes such calls on
// to loopback.
func reachableFrom(gateway string) string {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return everywhere
	}
	for _, address := range addresses {
		if network, ok := address.(*net.IPNet); ok && network.IP.String() == gateway {
			return gateway
		}
	}
	return "127.0.0.1"
}

// environment is what child processes get: no variable of this shell may reach a function,
// and no setting of AWS's tools change what is tried.
func environment() []string {
	env := []string{
		"SAM_CLI_TELEMETRY=0", "AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull,
		"AWS_EC2_METADATA_DISABLED=true", "PYTHONUNBUFFERED=1",
	}
	for _, name := range []string{
		"PATH", "HOME", "TMPDIR", "LANG", "USER", "XDG_RUNTIME_DIR", "DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "CI",
	} {
		if value, set := os.LookupEnv(name); set {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// lastLines is the end of a text.
func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
