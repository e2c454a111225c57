package main

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"
)

var whole = flag.Bool("release", false, "make the last commit's release twice, for minutes, and check all of it")

// TestRelease makes the release of the last commit twice, from two clones of the project, and
// looks at all that is in it.
func TestRelease(t *testing.T) {
	t.Parallel()
	if !*whole {
		t.Skip("it builds every program twice: make test-release does")
	}
	python, err := filepath.Abs("../../.venv/sam/bin/python")
	assert.NilError(t, err)
	one, two := t.TempDir(), filepath.Join(t.TempDir(), "a folder with another name")
	first := releaseOf(t, "../..", one, python, nil)
	second := releaseOf(t, one, two, python, []string{"TZ=Pacific/Kiritimati", "GOFLAGS=-tags=other", "GOAMD64=v3", "CGO_ENABLED=1"})
	assert.DeepEqual(t, digests(second), digests(first))
	stamp, err := stampOf(t.Context(), one)
	assert.NilError(t, err)
	checkSums(t, first)
	t.Run("template", func(t *testing.T) {
		t.Parallel()
		checkTemplate(t, first, stamp, python)
	})
	for _, p := range programs() {
		t.Run(p.name(stamp.version), func(t *testing.T) {
			t.Parallel()
			checkProgram(t, first, p, stamp)
			if p == (program{os: runtime.GOOS, arch: runtime.GOARCH}) {
				checkVersion(t, unpack(t, first, p, stamp.version)[p.binary()], stamp)
			}
		})
	}
	// Go has found the second's packages compiled. One function is compiled anew.
	t.Run("nothing compiled before", func(t *testing.T) {
		t.Parallel()
		cache := t.TempDir()
		alone := releaseOf(t, one, filepath.Join(t.TempDir(), "third"), python, []string{"GOCACHE=" + cache},
			"-only", "^refresh-hesabe_.*_arm64$")
		assert.Assert(t, len(alone) == 2, "%d files, not a package and its list", len(alone))
		for name, text := range alone {
			assert.Check(t, bytes.Equal(text, first[name]), "%s has other bytes", name)
		}
	})
}

// releaseOf clones a repository into dir, makes a release there and returns its files.
func releaseOf(t *testing.T, from, dir, python string, env []string, flags ...string) map[string][]byte {
	t.Helper()
	_, err := git(t.Context(), from, "clone", "-q", ".", dir)
	assert.NilError(t, err)
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"run", "./internal/dist", "-python", python}, flags...)...)
	cmd.Dir = dir
	// They reach go run too; what is tested is that they end there.
	cmd.Env = append(os.Environ(), env...)
	output, err := cmd.CombinedOutput()
	assert.Assert(t, err == nil, "%v: %s", err, output)
	files := map[string][]byte{}
	entries, err := os.ReadDir(filepath.Join(dir, "dist"))
	assert.NilError(t, err)
	for _, e := range entries {
		files[e.Name()], err = os.ReadFile(filepath.Join(dir, "dist", e.Name()))
		assert.NilError(t, err)
	}
	return files
}

func digests(files map[string][]byte) map[string]string {
	sums := map[string]string{}
	for name, text := range files {
		sums[name] = fmt.Sprintf("%x", sha256.Sum256(text))
	}
	return sums
}

// checkSums checks that the checksums are those of all other files.
func checkSums(t *testing.T, files map[string][]byte) {
	t.Helper()
	want := digests(files)
	delete(want, sumsFile)
	got := map[string]string{}
	for line := range strings.Lines(string(files[sumsFile])) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		got[name] = sum
	}
	assert.Check(t, is.DeepEqual(got, want), "-want +got")
	names := len(programs())*2 + 2
	assert.Check(t, len(files) == names, "%d files, want %d: %v", len(files), names, slices.Sorted(maps.Keys(files)))
}

// unpack returns the files of a program's package.
func unpack(t *testing.T, files map[string][]byte, p program, version string) map[string][]byte {
	t.Helper()
	unpack := unpackTar
	if p.suffix() == ".zip" {
		unpack = unpackZip
	}
	all := map[string][]byte{}
	for _, f := range unpack(t, files[p.name(version)+p.suffix()]) {
		all[f.Name] = []byte(f.Text)
	}
	return all
}

// bill is what a list of modules says.
type bill struct {
	BOMFormat, SpecVersion, SerialNumber string
	Metadata                             struct {
		Timestamp string
		Component struct{ Name, Version string }
	}
	Components []struct{ Name, Version string }
}

// checkProgram checks that a program is for its system, that its list has exactly the modules
// that are linked, that each has its license in the package, and that nothing tells of the
// machine that built it.
func checkProgram(t *testing.T, files map[string][]byte, p program, s stamp) {
	t.Helper()
	content := unpack(t, files, p, s.version)
	holds := slices.Sorted(maps.Keys(content))
	assert.Assert(t, is.DeepEqual(holds, []string{"LICENSE", noticesFile, p.binary()}))
	built, err := buildinfo.Read(bytes.NewReader(content[p.binary()]))
	assert.NilError(t, err)
	settings := map[string]string{}
	for _, setting := range built.Settings {
		settings[setting.Key] = setting.Value
	}
	for key, want := range map[string]string{
		"GOOS": p.os, "GOARCH": p.arch, "-trimpath": "true", "CGO_ENABLED": "0", "vcs.revision": "", "GOAMD64": map[string]string{"amd64": "v1"}[p.arch],
	} {
		if settings[key] != want {
			t.Errorf("it is built with %s=%s, want %q", key, settings[key], want)
		}
	}
	want := []string{"std " + built.GoVersion}
	notices := string(content[noticesFile])
	for _, m := range built.Deps {
		want = append(want, m.Path+" "+m.Version)
		assert.Check(t, strings.Contains(notices, m.Path+" "+m.Version+" ("),
			"%s has no license in the package", m.Path)
	}
	assert.Check(t, strings.Contains(notices, "Go's standard library "+built.GoVersion+" (LICENSE)"),
		"Go has no license in the package")
	var bom bill
	assert.NilError(t, json.Unmarshal(files[p.name(s.version)+bomSuffix], &bom))
	var got []string
	for _, c := range bom.Components {
		got = append(got, c.Name+" "+c.Version)
	}
	slices.Sort(want)
	slices.Sort(got)
	assert.Check(t, is.DeepEqual(got, want), "modules")
	if bom.BOMFormat != "CycloneDX" || bom.SpecVersion != "1.6" || bom.SerialNumber != "" || bom.Metadata.Timestamp != "" ||
		bom.Metadata.Component.Name != "tokenrefresh" || bom.Metadata.Component.Version != "v"+s.version {
		t.Errorf("the list begins %+v", bom.Metadata)
	}
	home, err := os.UserHomeDir()
	assert.NilError(t, err)
	here, err := filepath.Abs("../..")
	assert.NilError(t, err)
	for _, secret := range []string{here, filepath.Join(home, "go"), os.TempDir() + string(filepath.Separator)} {
		assert.Check(t, !bytes.Contains(content[p.binary()], []byte(secret)),
			"it holds %s, of the machine that built it", secret)
	}
}

// checkVersion asks the program what it is.
func checkVersion(t *testing.T, binary []byte, s stamp) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tokenctl")
	assert.NilError(t, os.WriteFile(path, binary, 0o700))
	output, err := exec.CommandContext(t.Context(), path, "version").Output()
	want := fmt.Sprintf("tokenctl %s (%s)\n", s.version, s.commit)
	assert.Check(t, err == nil && string(output) == want, "it says %q, %v; want %q", output, err, want)
}

// checkTemplate checks that cfn-lint finds nothing in the template, and that it deploys this
// release's packages.
func checkTemplate(t *testing.T, files map[string][]byte, s stamp, python string) {
	t.Helper()
	text := files[templateFile(s.version)]
	path := filepath.Join(t.TempDir(), "template.json")
	assert.NilError(t, os.WriteFile(path, text, 0o600))
	lint := exec.CommandContext(t.Context(), filepath.Join(filepath.Dir(python), "cfn-lint"), path)
	output, err := lint.CombinedOutput()
	assert.Check(t, err == nil, "%v: %s", err, output)
	deployed(t, string(text), files, s.version)
}
