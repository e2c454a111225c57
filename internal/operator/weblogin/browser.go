package weblogin

import (
	"errors"
	"os/exec"
	"runtime"
	"strings"
)

// errNoDisplay: xdg-open would start a browser in this very terminal, if any.
var errNoDisplay = errors.New("there is no display")

// Browse opens the person's browser at an address: the one of $BROWSER, else the system's. It
// does not wait for it. The channel brings the error of one that cannot be opened.
func Browse(address string, getenv func(string) string) <-chan error {
	failed := make(chan error, 1)
	words := strings.Fields(getenv("BROWSER"))
	switch {
	case len(words) > 0:
	case runtime.GOOS == "darwin":
		words = []string{"open"}
	case runtime.GOOS == "windows":
		words = []string{"rundll32", "url.dll,FileProtocolHandler"}
	case getenv("DISPLAY") == "" && getenv("WAYLAND_DISPLAY") == "":
		failed <- errNoDisplay
		return failed
	default:
		words = []string{"xdg-open"}
	}
	// It outlives this command, and so no context ends it.
	cmd := exec.Command(words[0], append(words[1:], address)...) //nolint:noctx // the person's own choice
	if err := cmd.Start(); err != nil {
		failed <- err
		return failed
	}
	go func() {
		if err := cmd.Wait(); err != nil {
			failed <- err
		}
	}()
	return failed
}
