// Package architecture holds the tree to its shape: which package may know which.
package architecture_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"tokenrefresh/internal/operator/catalog"
)

const module = "tokenrefresh"

// dependencies lists every package that goes into the given ones.
func dependencies(t *testing.T, packages ...string) []string {
	t.Helper()
	args := append([]string{"list", "-deps", "-f", "{{.ImportPath}}"}, packages...)
	out, err := exec.CommandContext(t.Context(), "go", args...).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	return strings.Fields(string(out))
}

func TestEnginesKnowNeitherHomesNorProvidersNorNetwork(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{module + "/pkg/refresh", module + "/pkg/sweep"} {
		for _, dep := range dependencies(t, engine) {
			switch {
			case dep == "net/http", dep == "net",
				strings.HasPrefix(dep, "github.com/"), strings.HasPrefix(dep, "go.etcd.io/"),
				strings.HasPrefix(dep, module+"/pkg/homes/"), strings.HasPrefix(dep, module+"/pkg/providers/"),
				strings.HasPrefix(dep, module+"/internal/"), strings.HasPrefix(dep, module+"/cmd/"):
				t.Errorf("%s depends on %s", engine, dep)
			}
		}
	}
}

// The engines share the ports and nothing of each other; the ports decide nothing.
func TestEnginesDoNotKnowEachOther(t *testing.T) {
	t.Parallel()
	for pkg, banned := range map[string][]string{
		"/pkg/sweep":   {"/pkg/refresh"},
		"/pkg/refresh": {"/pkg/sweep"},
		"/pkg/store":   {"/pkg/refresh", "/pkg/sweep", "/pkg/providers", "/pkg/pace"},
	} {
		for _, dep := range dependencies(t, module+pkg) {
			for _, b := range banned {
				if strings.HasPrefix(dep, module+b) {
					t.Errorf("%s depends on %s", pkg, dep)
				}
			}
		}
	}
}

func TestProvidersKnowNeitherEnginesNorHomes(t *testing.T) {
	t.Parallel()
	for _, dep := range dependencies(t, module+"/pkg/providers/...") {
		for _, part := range []string{"/pkg/refresh", "/pkg/sweep", "/pkg/homes/", "/pkg/handler", "/pkg/function"} {
			if strings.HasPrefix(dep, module+part) {
				t.Errorf("a provider depends on %s", dep)
			}
		}
	}
}

// A service takes in the libraries of the home that it reads from, and no other's.
func TestReadersCarryTheirHomeAlone(t *testing.T) {
	t.Parallel()
	const aws, bbolt, oauth2 = "github.com/aws/", "go.etcd.io/", "golang.org/x/oauth2"
	for pkg, allowed := range map[string][]string{
		"/pkg/reader":            {oauth2},
		"/pkg/reader/awsreader":  {oauth2, aws},
		"/pkg/reader/filereader": {oauth2, bbolt, "golang.org/x/sys", "github.com/google/uuid"},
	} {
		for _, dep := range dependencies(t, module+pkg) {
			library := strings.Contains(strings.SplitN(dep, "/", 2)[0], ".")
			if library && !slices.ContainsFunc(allowed, func(prefix string) bool { return strings.HasPrefix(dep, prefix) }) ||
				strings.HasPrefix(dep, module+"/internal/") || strings.HasPrefix(dep, module+"/pkg/providers/") {
				t.Errorf("%s depends on %s", pkg, dep)
			}
		}
	}
}

// What goes into a function is paid for at every cold start.
func TestFunctionsCarryLittle(t *testing.T) {
	t.Parallel()
	allowed := []string{
		"github.com/aws/aws-lambda-go/", "github.com/aws/aws-sdk-go-v2/", "github.com/aws/smithy-go",
		"github.com/google/uuid", module + "/",
	}
	banned := []string{
		"github.com/aws/aws-sdk-go-v2/config", "github.com/aws/aws-sdk-go-v2/service/sts", "github.com/aws/aws-sdk-go-v2/service/sso",
		module + "/internal/", module + "/cmd/", module + "/pkg/homes/embedded",
	}
	for _, dep := range dependencies(t, module+"/functions/...") {
		if !strings.Contains(strings.SplitN(dep, "/", 2)[0], ".") && !strings.HasPrefix(dep, module+"/") {
			continue // standard library
		}
		has := func(prefix string) bool { return strings.HasPrefix(dep, prefix) }
		if !slices.ContainsFunc(allowed, has) || slices.ContainsFunc(banned, has) {
			t.Errorf("a function depends on %s", dep)
		}
	}
}

// The functions that have no queue do not pay for its client.
func TestOnlyASweepCarriesAQueue(t *testing.T) {
	t.Parallel()
	const client = "github.com/aws/aws-sdk-go-v2/service/sqs"
	for _, entry := range catalog.All() {
		if got := slices.Contains(dependencies(t, module+"/functions/refresh-"+entry.Name), client); got != entry.Sweep {
			t.Errorf("refresh-%s carries %s: %t", entry.Name, client, got)
		}
	}
}

// What speaks to a person at a terminal stays out of what others build on.
func TestOnlyTheCommandKnowsTheTerminal(t *testing.T) {
	t.Parallel()
	for _, dep := range dependencies(t, module+"/pkg/...", module+"/functions/...") {
		for _, banned := range []string{
			"github.com/prometheus/", "github.com/spf13/", "golang.org/x/term", "github.com/schollz/progressbar", "github.com/aws/aws-sdk-go-v2/config",
			module + "/internal/operator", module + "/cmd/",
		} {
			if strings.HasPrefix(dep, banned) {
				t.Errorf("a package of pkg or functions depends on %s", dep)
			}
		}
	}
}
