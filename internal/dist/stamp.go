package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"tokenrefresh/pkg/release"
)

// stamp says what is built.
type stamp struct {
	version string // of the release; on a commit without its tag, with a suffix
	suffix  string
	commit  string // empty outside of a repository
}

// stampOf reads the stamp from the repository at root. A tag that contradicts pkg/release or
// CHANGELOG.md is an error.
func stampOf(ctx context.Context, root string) (stamp, error) {
	number := release.Version
	if _, err := os.Stat(filepath.Join(root, ".git")); errors.Is(err, fs.ErrNotExist) { // unpacked sources
		return stamp{version: number + "-dev", suffix: "-dev"}, nil
	}
	commit, err := git(ctx, root, "rev-parse", "HEAD")
	tags, noTags := git(ctx, root, "tag", "--points-at", "HEAD", "--list", "v*")
	changed, noStatus := git(ctx, root, "status", "--porcelain")
	if err := errors.Join(err, noTags, noStatus); err != nil {
		return stamp{}, err
	}
	if tags != "" && changed == "" {
		return stamp{version: number, commit: commit}, checkTag(root, number, strings.Fields(tags))
	}
	s := stamp{suffix: "-dev." + commit[:12], commit: commit}
	if changed != "" {
		s.suffix += ".changed"
	}
	s.version = number + s.suffix
	return s, nil
}

// checkTag checks that a tagged commit calls itself what its tag does.
func checkTag(root, number string, tags []string) error {
	if !slices.Contains(tags, "v"+number) {
		return fmt.Errorf("the commit has the tag %s, and pkg/release says %s: correct one of them", strings.Join(tags, ", "), number)
	}
	changes, err := os.ReadFile(filepath.Join(root, "CHANGELOG.md"))
	if err != nil {
		return err
	}
	if !regexp.MustCompile(`(?m)^## \[` + regexp.QuoteMeta(number) + `\] - \d{4}-\d\d-\d\d$`).Match(changes) {
		return fmt.Errorf("CHANGELOG.md has no section \"## [%s] - <date>\": write it, and tag again", number)
	}
	return nil
}

// flags tell the linker what tokenctl says of itself.
func (s stamp) flags() string {
	return s.functionFlags() + " -X tokenrefresh/pkg/release.commit=" + s.commit
}

// functionFlags are empty for a release, whose functions are those that `sam build` makes. They
// leave the commit out: it would make another function of the same code.
func (s stamp) functionFlags() string {
	if s.suffix == "" {
		return ""
	}
	return "-X tokenrefresh/pkg/release.suffix=" + s.suffix
}

func git(ctx context.Context, root string, args ...string) (string, error) {
	output, err := exec.CommandContext(ctx, "git", append([]string{"-C", root}, args...)...).Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w", args[0], err)
	}
	return strings.TrimSpace(string(output)), nil
}
