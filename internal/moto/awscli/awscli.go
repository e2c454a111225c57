// Package awscli lets tests type lines for AWS's own command line, as documents and advice print them.
package awscli

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Exit codes of version 2 that say what was wrong. Others: its settings (253), or what it made of an answer, or no answer (255).
const (
	WrongLine = 252 // it does not take the line
	Refused   = 254 // AWS has refused
)

const notInstalled = "no AWS CLI of version 2: `make test` installs it where there is npm, on Linux for x86_64"

// Path is where version 2 is installed. Where it is not the test is skipped, but fails where CI=true.
func Path(t testing.TB) string {
	t.Helper()
	path := find()
	if path == "" && os.Getenv("CI") == "true" {
		t.Fatal(notInstalled)
	}
	if path == "" {
		t.Skip(notInstalled)
	}
	return path
}

// Type types a line into a shell, with variables besides those of this process, and returns the exit code of the last command
// and what was said. A line that begins with aws gets version 2 of it, as Path has it.
func Type(t testing.TB, line string, variables ...string) (code int, said string) {
	t.Helper()
	if strings.HasPrefix(line, "aws ") {
		Path(t)
	}
	code, said, err := Try(line, variables...)
	if err != nil {
		t.Fatal(err)
	}
	return code, said
}

// Try is Type outside of a test. Where there is no AWS CLI it does nothing, but fails where CI=true.
func Try(line string, variables ...string) (code int, said string, err error) {
	cmd := exec.Command("sh", "-c", line) //nolint:noctx // it ends at once, or with the test
	cmd.Env = append(append(os.Environ(), "AWS_PAGER=", "AWS_MAX_ATTEMPTS=1"), variables...)
	if strings.HasPrefix(line, "aws ") {
		if find() == "" {
			if os.Getenv("CI") == "true" {
				err = errors.New(notInstalled)
			}
			return 0, "", err
		}
		cmd.Env = append(cmd.Env, "PATH="+filepath.Dir(find())+string(filepath.ListSeparator)+os.Getenv("PATH"))
	}
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		err = nil
	}
	return cmd.ProcessState.ExitCode(), string(out), err
}

// find prefers the pinned one of the repository to one on the PATH.
var find = sync.OnceValue(func() string {
	for dir, _ := os.Getwd(); ; dir = filepath.Dir(dir) {
		program := filepath.Join(dir, ".venv", "awscli", "dist", "aws")
		if _, err := os.Stat(program); err == nil {
			return program
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	program, err := exec.LookPath("aws")
	if err != nil {
		return ""
	}
	version, err := exec.Command(program, "--version").Output()
	if err != nil || !strings.HasPrefix(string(version), "aws-cli/2.") {
		return ""
	}
	return program
})
