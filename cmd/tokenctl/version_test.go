package main

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/release"
)

func TestVersion(t *testing.T) {
	t.Parallel()
	tokenctl(t, "", "--version").want(t, exitDone, "tokenctl version "+release.Version+" ("+commit()+")\n")
	tokenctl(t, "", "version").want(t, exitDone, "tokenctl "+release.Version)
}

// Each function reports its own version; one that cannot is named.
func TestVersionOfTheFunctions(t *testing.T) {
	onAWS(t, answering(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.Contains(r.URL.Path, "/s-refresh-hesabe/"):
			body, err := io.ReadAll(r.Body)
			assert.Check(t, err == nil && string(body) == `{"dry_run":true}`, "%s, %v", body, err)
			_, _ = w.Write([]byte(`{"provider":"hesabe","version":"7.8.9","run_id":"r","outcomes":{},"credentials":[]}`))
		case strings.Contains(r.URL.Path, "/s-refresh-tconnect/"):
			_, _ = w.Write([]byte(`{"provider":"tconnect","run_id":"r","outcomes":{},"credentials":[]}`))
		default:
			w.Header().Set("X-Amzn-Errortype", "ResourceNotFoundException")
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	tokenctl(t, "", "version", "--stack", "s").want(t, exitFailed,
		"tokenctl "+release.Version, "s-refresh-hesabe 7.8.9\n", "s-refresh-tconnect before 0.9.0\n", "s-refresh-berbix invoke the function",
		"no version of s-refresh-", "s-refresh-berbix")
	tokenctl(t, "", "version", "--stack", "s", "--json").want(t, exitFailed, `{"name":"s-refresh-hesabe","version":"7.8.9"}`)
}
