package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime/debug"
	"strings"
	"testing"

	"tokenrefresh/pkg/release"
)

func TestVersion(t *testing.T) {
	t.Parallel()
	tokenctl(t, "", "--version").want(t, exitDone, "tokenctl version "+release.Version+" ("+commit()+")\n")
	tokenctl(t, "", "version").want(t, exitDone, "tokenctl "+release.Version)
	for want, info := range map[string]debug.BuildInfo{
		"v1.2.3":       {Main: debug.Module{Version: "v1.2.3"}, Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}}},
		"v1.2.3+dirty": {Main: debug.Module{Version: "v1.2.3+dirty"}, Settings: []debug.BuildSetting{{Key: "vcs.modified", Value: "true"}}},
		"abc":          {Main: debug.Module{Version: "(devel)"}, Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}}},
		"abc+dirty":    {Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.modified", Value: "true"}}},
		"unknown":      {Main: debug.Module{Version: "(devel)"}},
	} {
		if got := versionOf(&info); got != want {
			t.Errorf("version %s, want %s", got, want)
		}
	}
}

// Each function reports its own version; one that cannot is named.
//
//nolint:paralleltest // variables tell the command of AWS
func TestVersionOfTheFunctions(t *testing.T) {
	aws := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.Contains(r.URL.Path, "/s-refresh-hesabe/"):
			body, err := io.ReadAll(r.Body)
			if err != nil || string(body) != `{"dry_run":true}` {
				t.Errorf("%s, %v", body, err)
			}
			_, _ = w.Write([]byte(`{"provider":"hesabe","version":"7.8.9","run_id":"r","outcomes":{},"credentials":[]}`))
		case strings.Contains(r.URL.Path, "/s-refresh-tconnect/"):
			_, _ = w.Write([]byte(`{"provider":"tconnect","run_id":"r","outcomes":{},"credentials":[]}`))
		default:
			w.Header().Set("X-Amzn-Errortype", "ResourceNotFoundException")
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer aws.Close()
	for name, value := range map[string]string{
		"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_ENDPOINT_URL": aws.URL,
		"AWS_CONFIG_FILE": os.DevNull,
	} {
		t.Setenv(name, value)
	}
	tokenctl(t, "", "version", "--stack", "s").want(t, exitFailed,
		"tokenctl "+release.Version, "s-refresh-hesabe 7.8.9\n", "s-refresh-tconnect before 0.9.0\n", "s-refresh-berbix invoke the function",
		"no version of s-refresh-", "s-refresh-berbix")
	tokenctl(t, "", "version", "--stack", "s", "--json").want(t, exitFailed, `{"name":"s-refresh-hesabe","version":"7.8.9"}`)
}
