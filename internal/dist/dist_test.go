package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/release"
)

// What a package holds can be run as it was unpacked, and nothing in it tells when or by whom
// it was made.
func TestArchives(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{"LICENSE": file([]byte("you may"), 0o644), "bootstrap": file(bytes.Repeat([]byte("go"), 1000), 0o755)}
	want := []unpacked{
		{"LICENSE", "you may", "-rw-r--r--", "", 1980},
		{"bootstrap", strings.Repeat("go", 1000), "-rwxr-xr-x", "", 1980},
	}
	packed, err := program{os: "windows"}.archive(files)
	assert.NilError(t, err)
	assert.DeepEqual(t, unpackZip(t, packed), want)
	packed, err = program{os: "linux"}.archive(files)
	assert.NilError(t, err)
	assert.DeepEqual(t, unpackTar(t, packed), want)
}

// Only a clean commit with the tag of its own number is a release.
func TestStamp(t *testing.T) {
	t.Parallel()
	const number = "0.9.0"
	if release.Version != number {
		t.Skipf("the cases are for %s: adapt them to %s", number, release.Version)
	}
	dated := "## [" + number + "] - 2026-01-02\n"
	for name, tc := range map[string]struct {
		tags    []string
		changes string
		dirty   bool
		want    string // where C stands for the commit; empty: an error with this in it
		wrong   string
	}{
		"a release":           {[]string{"v" + number}, dated, false, number, ""},
		"no tag":              {nil, dated, false, number + "-dev.C", ""},
		"another's tag":       {[]string{"nightly"}, dated, false, number + "-dev.C", ""},
		"changed since":       {[]string{"v" + number}, dated, true, number + "-dev.C.changed", ""},
		"a tag of another":    {[]string{"v1.0.0"}, dated, false, "", "v1.0.0"},
		"two tags":            {[]string{"v" + number, "v1.0.0"}, dated, false, number, ""},
		"no day in the log":   {[]string{"v" + number}, "## [" + number + "] - unreleased\n", false, "", "CHANGELOG.md"},
		"another day's entry": {[]string{"v" + number}, "## [0.8.0] - 2026-01-02\n", false, "", "CHANGELOG.md"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			run := func(args ...string) string {
				cmd := exec.CommandContext(t.Context(), "git", append([]string{"-C", root}, args...)...)
				cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "GIT_") }) // a hook sets them
				output, err := cmd.CombinedOutput()
				assert.Assert(t, err == nil, "%v: %s", err, output)
				return strings.TrimSpace(string(output))
			}
			run("init", "-q")
			write := func(text string) {
				assert.NilError(t, os.WriteFile(filepath.Join(root, "CHANGELOG.md"), []byte(text), 0o600))
			}
			write(tc.changes)
			run("add", ".")
			run("-c", "user.name=n", "-c", "user.email=e@example.com", "commit", "-qm", "m")
			for _, tag := range tc.tags {
				run("tag", tag)
			}
			if tc.dirty {
				write(tc.changes + "more\n")
			}
			commit := run("rev-parse", "HEAD")
			got, err := stampOf(t.Context(), root)
			if tc.wrong != "" {
				assert.Check(t, err != nil && strings.Contains(err.Error(), tc.wrong),
					"error %v, want one that names %s", err, tc.wrong)
				return
			}
			if want := strings.Replace(tc.want, "C", commit[:12], 1); err != nil || got.version != want || got.commit != commit {
				t.Errorf("%+v, %v; want version %s", got, err, want)
			}
			assert.Check(t, got.version == number+got.suffix,
				"a program of %s would say %s", got.version, number+got.suffix)
		})
	}
	got, err := stampOf(t.Context(), t.TempDir())
	assert.Check(t, err == nil && got.version == number+"-dev", "of unpacked sources: %+v, %v", got, err)
}

// Modules must not go out without their license. A part of a module may have one of its own.
func TestNotices(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"mod/LICENSE": "the module's\n", "mod/part/deep/LICENCE.txt": "its part's", "mod/part/deep/license.go": "code",
		"mod/NOTICE": "says who", "other/COPYING": "the module's\n", "bare/README": "none",
	} {
		path := filepath.Join(dir, name)
		assert.NilError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		assert.NilError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	files := map[string][]string{}
	add := func(module, at string) error {
		return addFiles(files, module, filepath.Join(dir, module), filepath.Join(dir, at))
	}
	for _, at := range []string{"mod/part/deep", "mod/part", "mod"} {
		assert.NilError(t, add("mod", at))
	}
	assert.NilError(t, add("other", "other"))
	if err := add("bare", "bare"); err == nil || !strings.Contains(err.Error(), "bare has no license") {
		t.Errorf("a module without a license: %v", err)
	}
	got, err := write(program{os: "linux", arch: "arm64"}, files)
	assert.NilError(t, err)
	bar := strings.Repeat("=", 80) + "\n"
	sections := strings.Split(string(got), bar)
	if len(sections) != 1+3 { // the head, and three texts
		t.Fatalf("%d sections:\n%s", len(sections)-1, got)
	}
	for _, part := range []string{"mod (LICENSE)\nother (COPYING)\n\nthe module's\n", "mod (LICENCE.txt)\n\nits part's\n", "mod (NOTICE)\n\nsays who\n"} {
		assert.Check(t, strings.Contains(string(got), bar+part), "no section %q in:\n%s", part, got)
	}
}

// Each machine builds the tool that lists modules anew.
func TestToolHashesAreLeftOut(t *testing.T) {
	t.Parallel()
	got, err := withoutToolHashes([]byte(`{"metadata":{"tools":[{"name":"t","hashes":[{"alg":"MD5","content":"planted"}]}]},"components":[{"hashes":[1]}]}`))
	if err != nil || strings.Contains(string(got), "planted") || !strings.Contains(string(got), `"name": "t"`) ||
		strings.Count(string(got), "hashes") != 1 {
		t.Errorf("%s, %v", got, err)
	}
}
