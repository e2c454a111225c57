package deploy

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// pythons are where the SAM CLI's code may be, the repository's own first.
func pythons(root string) []string {
	return []string{filepath.Join(root, ".venv", "sam", "bin", "python"), "python3"}
}

// Python runs one of root/tools with the SAM CLI's code and returns what it prints.
func Python(root, tool string, args ...string) (string, error) {
	var mistakes []error
	for _, python := range pythons(root) {
		//nolint:noctx // the result may be every test's
		cmd := exec.Command(python, append([]string{filepath.Join(root, "tools", tool)}, args...)...)
		cmd.Env = append(os.Environ(), "AWS_DEFAULT_REGION=eu-west-1")
		output, err := cmd.Output()
		if err == nil {
			return string(output), nil
		}
		mistakes = append(mistakes, fmt.Errorf("%s: %w", python, err))
	}
	return "", errors.Join(mistakes...)
}

// NeedPython ends a test that has no Python with the SAM CLI's code: it is skipped, but
// fails where CI=true.
func NeedPython(t testing.TB, err error) {
	t.Helper()
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatal(err)
	default:
		t.Skipf("no Python with the SAM CLI (make validate installs one): %v", err)
	}
}

var translated struct {
	once sync.Once
	body string
	err  error
}

// translate runs the Serverless transform over the template, once a test process.
func translate(t testing.TB, root string) string {
	t.Helper()
	translated.once.Do(func() {
		translated.body, translated.err = Python(root, "translate.py", filepath.Join(root, "template.yaml"))
	})
	NeedPython(t, translated.err)
	return translated.body
}
