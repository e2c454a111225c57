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

// pythons are where a SAM translator may be, the repository's own first.
func pythons(root string) []string {
	return []string{filepath.Join(root, ".venv", "sam", "bin", "python"), "python3"}
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
		for _, python := range pythons(root) {
			//nolint:noctx // the result is every test's
			cmd := exec.Command(python, filepath.Join(root, "tools", "translate.py"), filepath.Join(root, "template.yaml"))
			cmd.Env = append(os.Environ(), "AWS_DEFAULT_REGION=eu-west-1")
			output, err := cmd.Output()
			if err == nil {
				translated.body, translated.err = string(output), nil
				return
			}
			translated.err = errors.Join(translated.err, fmt.Errorf("%s: %w", python, err))
		}
	})
	switch {
	case translated.err == nil:
	case os.Getenv("CI") == "true":
		t.Fatal(translated.err)
	default:
		t.Skipf("no Python with the SAM translator (make validate installs one): %v", translated.err)
	}
	return translated.body
}
