// Package architecture holds the tree to its shape: which package may know which.
package architecture_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/operator/catalog"
)

const sdk = "github.com/aws/aws-sdk-go-v2"

// A name stands for a package and all below it; with a slash at its end, only for those below.
var rules = map[string]struct {
	of      []string
	banned  []string
	allowed []string // libraries; nil: all that are not banned
}{
	"engines know neither homes nor providers nor the network": {
		of:     []string{"./pkg/refresh", "./pkg/sweep"},
		banned: []string{"net", "github.com", "go.etcd.io", "./pkg/homes", "./pkg/providers/", "./internal", "./cmd"},
	},
	"engines share the ports and nothing of each other": {of: []string{"./pkg/sweep"}, banned: []string{"./pkg/refresh"}},
	"so does the other": {of: []string{"./pkg/refresh"}, banned: []string{"./pkg/sweep"}},
	"ports decide nothing": {
		of: []string{"./pkg/store"}, banned: []string{"./pkg/refresh", "./pkg/sweep", "./pkg/providers", "./pkg/pace"},
	},
	"providers know neither engines nor homes": {
		of: []string{"./pkg/providers/..."}, banned: []string{"./pkg/refresh", "./pkg/sweep", "./pkg/homes", "./pkg/handler", "./pkg/function"},
	},
	// A service takes in the libraries of the home that it reads from, and no other's.
	"readers carry no home": {
		of: []string{"./pkg/reader"}, banned: []string{"./internal", "./pkg/providers"}, allowed: []string{"golang.org/x/oauth2"},
	},
	"readers from AWS carry its home alone": {
		of: []string{"./pkg/reader/awsreader"}, banned: []string{"./internal", "./pkg/providers"},
		allowed: []string{"golang.org/x/oauth2", "github.com/aws"},
	},
	"readers from a file carry its home alone": {
		of: []string{"./pkg/reader/filereader"}, banned: []string{"./internal", "./pkg/providers"},
		allowed: []string{"golang.org/x/oauth2", "go.etcd.io", "golang.org/x/sys", "github.com/google/uuid"},
	},
	// What goes into a function is paid for at every cold start.
	"functions carry little": {
		of:      []string{"./functions/..."},
		banned:  []string{sdk + "/config", sdk + "/service/sts", sdk + "/service/sso", "./internal", "./cmd", "./pkg/homes/embedded"},
		allowed: []string{"github.com/aws/aws-lambda-go", sdk, "github.com/aws/smithy-go", "github.com/google/uuid"},
	},
	// What speaks to a person at a terminal stays out of what others build on.
	"only the command knows the terminal": {
		of: []string{"./pkg/...", "./functions/..."},
		banned: []string{
			"github.com/prometheus", "github.com/spf13", "golang.org/x/term", "github.com/schollz/progressbar", sdk + "/config",
			"./internal/operator", "./cmd",
		},
	},
}

// dependencies lists every package that goes into the given ones.
func dependencies(t *testing.T, packages ...string) []string {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", append([]string{"list", "-deps", "-f", "{{.ImportPath}}"}, packages...)...)
	list.Dir = "../.."
	out, err := list.Output()
	assert.NilError(t, err)
	return strings.Fields(strings.ReplaceAll(string(out), "tokenrefresh/", "./"))
}

func TestImports(t *testing.T) {
	t.Parallel()
	for name, rule := range rules {
		for _, dep := range dependencies(t, rule.of...) {
			has := func(p string) bool { return dep == p || strings.HasPrefix(dep, strings.TrimSuffix(p, "/")+"/") }
			host, _, _ := strings.Cut(dep, "/")
			library := host != "." && strings.Contains(host, ".")
			if slices.ContainsFunc(rule.banned, has) || library && rule.allowed != nil && !slices.ContainsFunc(rule.allowed, has) {
				t.Errorf("%s: %v depend on %s", name, rule.of, dep)
			}
		}
	}
}

// The functions that have no queue do not pay for its client.
func TestOnlyASweepCarriesAQueue(t *testing.T) {
	t.Parallel()
	for _, entry := range catalog.All() {
		got := slices.Contains(dependencies(t, "./functions/refresh-"+entry.Name), sdk+"/service/sqs")
		assert.Check(t, got == entry.Sweep, "refresh-%s carries a queue's client: %t", entry.Name, got)
	}
}
