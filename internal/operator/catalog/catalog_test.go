package catalog_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/pkg/providers"
)

// Its name makes file names, names in AWS and, as the title, logical ids, from which the Makefile finds its main.
func TestEntriesAreComplete(t *testing.T) {
	t.Parallel()
	names, tables := map[string]bool{}, map[string]bool{}
	for _, e := range catalog.All() {
		provider := e.New(nil, "production")
		if !regexp.MustCompile(`^[a-z][a-z0-9]*$`).MatchString(e.Name) || strings.ToLower(e.Title) != e.Name || provider.Name() != e.Name {
			t.Errorf("%q has the title %q, and its client is of %q: one name in lower case and with capitals", e.Name, e.Title, provider.Name())
		}
		if !slices.ContainsFunc(provider.Fields(), func(f providers.Field) bool { return f.Name == e.Setting }) {
			t.Errorf("%s: Open knows no field %q", e.Name, e.Setting)
		}
		if _, err := os.Stat(filepath.Join("../../../functions", "refresh-"+e.Name, "main.go")); err != nil {
			t.Errorf("%s has no function: %v", e.Name, err)
		}
		if names[e.Name] || e.Sweep && tables[e.TransactionsTable()] {
			t.Errorf("%s is there twice, or another has its table %s", e.Name, e.TransactionsTable())
		}
		names[e.Name], tables[e.TransactionsTable()] = true, e.Sweep
	}
}
