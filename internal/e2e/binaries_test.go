package e2e_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/template"

	// What the binaries are made of: Go's cache of test results must know that the
	// results depend on it.
	_ "tokenrefresh/internal/operator/catalog"
	_ "tokenrefresh/pkg/function"
)

const root = "../.."

// functionsDir names the folder that holds the functions' binaries as `sam build`
// leaves them; `make test` sets it. Without it the tests build their own, so that
// they never run stale ones.
const functionsDir = "FUNCTIONS_DIR"

// built is the folder of the tests' own binaries; TestMain removes it.
var built string

// binary is the path of a function's binary.
func binary(t *testing.T, function string) string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the functions' binaries run on Linux alone")
	}
	dir, err := binaries()
	assert.NilError(t, err)
	path := filepath.Join(dir, function, "bootstrap")
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%s: run `make test`, which builds the functions first: %v", functionsDir, err)
	}
	return path
}

var binaries = sync.OnceValues(func() (string, error) {
	if dir := os.Getenv(functionsDir); dir != "" {
		return filepath.Abs(dir)
	}
	if os.Getenv("CI") == "true" {
		return "", errors.New(functionsDir + " is not set: CI tests the binaries of `sam build`, with `make test`")
	}
	loaded, err := template.Load(filepath.Join(root, "template.yaml"))
	if err != nil {
		return "", err
	}
	if built, err = os.MkdirTemp("", "functions-*"); err != nil {
		return "", err
	}
	for id, resource := range loaded.Resources {
		if resource.Type != template.Function {
			continue
		}
		// The rule that `sam build` calls.
		cmd := exec.Command("make", "-s", "-C", root, "build-"+id,
			"ARTIFACTS_DIR="+filepath.Join(built, id), "GOARCH="+runtime.GOARCH)
		if output, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("%v: %w\n%s", cmd, err, output)
		}
	}
	return built, nil
})
