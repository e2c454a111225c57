// Package samples says what each file of events/ makes its function do, in the order in
// which a new stack with a sandbox's credentials gets them.
package samples

import (
	"fmt"
	"maps"
	"os"
	"slices"

	"tokenrefresh/internal/operator/catalog"
)

// Sample is a file of events/ and the outcomes that its function answers.
type Sample struct {
	File     string
	Outcomes map[string]int
}

// Of returns the samples of a provider's function.
func Of(provider string) []Sample {
	if entry, err := catalog.Find(provider); err == nil && entry.Sweep {
		return transactions()
	}
	return chain()
}

// Unseeded is the sample of a function whose credentials nobody has filled in.
func Unseeded() Sample { return Sample{"scheduled.json", map[string]int{"not_seeded": 1}} }

// Complete compares the samples of a provider's function with the files of its folder. Its
// error names each file that no run plays, and each sample without a file.
func Complete(provider, folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	differ := map[string]bool{}
	for _, entry := range entries {
		differ[entry.Name()] = true
	}
	for _, sample := range Of(provider) {
		differ[sample.File] = !slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == sample.File })
	}
	maps.DeleteFunc(differ, func(_ string, only bool) bool { return !only })
	if len(differ) > 0 {
		return fmt.Errorf("%q of %s are only in the folder, or only in internal/samples", slices.Sorted(maps.Keys(differ)), folder)
	}
	return nil
}

func chain() []Sample {
	return []Sample{
		{"scheduled.json", map[string]int{"logged_in": 1}},
		{"envelope.json", map[string]int{"not_due": 1}},
		{"account.json", map[string]int{"not_due": 1}},
		{"dry-run.json", map[string]int{"not_due": 1}},
		{"force-dry-run.json", map[string]int{"would_refresh": 1}},
		{"rejected.json", map[string]int{"not_due": 1}}, // an attempt that never was
		{"force.json", map[string]int{"refreshed": 1}},
	}
}

// transactions: the example tokens are of no transaction, and so they are refused.
func transactions() []Sample {
	return []Sample{
		{"scheduled.json", map[string]int{"not_due": 1}},
		{"record.json", map[string]int{"recorded": 2}},
		{"dry-run.json", map[string]int{"would_refresh": 2}},
		{"force-dry-run.json", map[string]int{"would_refresh": 2}},
		{"transaction.json", map[string]int{"dead": 1}},
		{"transaction.json", map[string]int{"not_due": 1}},
		{"transaction-force.json", map[string]int{"dead": 1}},
		{"force.json", map[string]int{"dead": 1}},
		{"envelope.json", map[string]int{"not_due": 1}},
		{"account.json", map[string]int{"not_due": 1}},
		{"sqs.json", map[string]int{"recorded": 1, "not_due": 1}},
		{"transactions.json", map[string]int{"dead": 1, "not_due": 1}},
		{"sqs-handed-over.json", map[string]int{"not_due": 2}},
		{"record-done.json", map[string]int{"recorded": 1}},
	}
}
