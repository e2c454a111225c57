package samples_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tokenrefresh/internal/samples"
	"tokenrefresh/internal/template"
)

// A file that no run plays could say anything.
func TestEachFileOfEventsIsPlayed(t *testing.T) {
	t.Parallel()
	loaded, err := template.Load("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	stack, err := loaded.Stack(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, function := range stack.Of(template.Function) {
		provider := template.Provider(function)
		entries, err := os.ReadDir(filepath.Join("../../events", "refresh-"+provider))
		if err != nil {
			t.Fatal(err)
		}
		var files, played []string
		for _, entry := range entries {
			files = append(files, entry.Name())
		}
		for _, sample := range samples.Of(provider) {
			played = append(played, sample.File)
		}
		slices.Sort(played)
		if diff := cmp.Diff(files, slices.Compact(played)); diff != "" {
			t.Errorf("%s (-there +played):\n%s", provider, diff)
		}
	}
}
