package main

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/samples"
)

// The SAM CLI ends well where a function fails, so nothing but the answer tells.
func TestTheAnswerIsJudged(t *testing.T) {
	t.Parallel()
	sample := samples.Sample{File: "force.json", Outcomes: map[string]int{"refreshed": 1}}
	for answer, want := range map[string]bool{
		`{"provider":"hesabe","run_id":"1","outcomes":{"refreshed":1},"credentials":[]}`: true,
		`{"provider":"hesabe","outcomes":{"transient":1}}`:                               false,
		`{"provider":"hesabe","outcomes":{"refreshed":1,"dead":1}}`:                      false,
		`{"provider":"hesabe","outcomes":{}}`:                                            false,
		`{"provider":"berbix","outcomes":{"refreshed":1}}`:                               false,
		`{"errorType":"EnvironmentError","errorMessage":"the environment is wrong"}`:     false,
		``:                   false,
		`null`:               false,
		`START RequestId: 1`: false,
	} {
		err := check("RefreshHesabe", sample, func(file string) ([]byte, error) {
			assert.Check(t, file == "events/refresh-hesabe/force.json", "the event is in %s", file)
			return []byte(answer), nil
		})
		assert.Check(t, (err == nil) == want, "%s: %v", answer, err)
		if err != nil && !strings.Contains(err.Error(), "force.json") {
			t.Errorf("the error names no event: %v", err)
		}
	}
	failed := errors.New("no answer")
	err := check("RefreshHesabe", sample, func(string) ([]byte, error) { return nil, failed })
	assert.Check(t, errors.Is(err, failed), err)
}

func TestWhereToListen(t *testing.T) {
	t.Parallel()
	for gateway, want := range map[string]string{"127.0.0.1": "127.0.0.1", "192.0.2.1": "127.0.0.1", "": "127.0.0.1"} {
		got := reachableFrom(gateway)
		assert.Check(t, got == want, "containers call this machine %q: listens on %s", gateway, got)
	}
}

func TestNoVariableOfTheShellReachesTheSAMCLI(t *testing.T) {
	t.Setenv("SECRET_PREFIX", "token-refresh")
	t.Setenv("AWS_ENDPOINT_URL", "https://real.example")
	t.Setenv("AWS_PROFILE", "production")
	t.Setenv("DOCKER_HOST", "unix:///run/engine.sock")
	all := strings.Join(environment(), "\n")
	for _, name := range []string{"SECRET_PREFIX", "AWS_ENDPOINT_URL", "AWS_PROFILE"} {
		assert.Check(t, !strings.Contains(all, name+"="), "%s is passed on", name)
	}
	assert.Check(t, strings.Contains(all, "DOCKER_HOST=unix:///run/engine.sock"),
		"the engine's address is not passed on")
}

func TestServersEndWhenStopped(t *testing.T) {
	t.Parallel()
	s, err := start(t.Context(), "ready", "sh", "-c", "echo ready; exec sleep 600")
	assert.NilError(t, err)
	s.stop()
	assert.Check(t, s.cmd.ProcessState != nil, "it still runs")
	_, err = start(t.Context(), "ready", "sh", "-c", "echo no port is free; exit 1")
	assert.Check(t, err != nil && strings.Contains(err.Error(), "no port is free"),
		"a server that ends at once: %v", err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = start(ctx, "ready", "sleep", "600")
	assert.Check(t, errors.Is(err, context.Canceled), "after an interrupt: %v", err)
}

func TestTheCauseIsOneLine(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		"Starting\nAddress already in use\n": "Address already in use",
		"time=1 level=info msg=\"Starting up\"\n" +
			"time=2 level=warning msg=\"failed to load plugin devmapper\"\n" +
			"containerd: failed to get listener: unix socket path too long\n" +
			"time=3 level=error msg=\"containerd did not exit successfully\"\n" +
			"failed to start containerd: timeout waiting for containerd to start\n": "containerd: failed to get listener: unix socket path too long",
		"": "",
	} {
		got := cause(said)
		assert.Check(t, got == want, "%q: the cause is %q", said, got)
	}
}

func TestASmallImageHasWhatTheSAMCLIRuns(t *testing.T) {
	t.Parallel()
	archive, err := smallImage([]byte("#!busybox"))
	assert.NilError(t, err)
	found := map[string]int64{}
	for reader := tar.NewReader(archive); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		assert.NilError(t, err)
		found[header.Name] = header.Mode
	}
	for _, name := range []string{"bin/busybox", "bin/sh", "bin/mv", "bin/chmod", "var/task/"} {
		if found[name]&0o111 != 0o111 {
			t.Errorf("%s has mode %o", name, found[name])
		}
	}
	if found["tmp/"] != 0o1777 {
		t.Errorf("tmp has mode %o", found["tmp/"])
	}
}
