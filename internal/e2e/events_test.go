package e2e_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tokenrefresh/internal/sandbox"
)

// sample is a file of events/ and what its function makes of it.
type sample struct {
	file     string
	outcomes map[string]int
}

func chainSamples() []sample {
	return []sample{
		{"scheduled.json", map[string]int{"logged_in": 1}},
		{"envelope.json", map[string]int{"not_due": 1}},
		{"account.json", map[string]int{"not_due": 1}},
		{"dry-run.json", map[string]int{"not_due": 1}},
		{"force-dry-run.json", map[string]int{"would_refresh": 1}},
		{"force.json", map[string]int{"refreshed": 1}},
	}
}

// berbixSamples: the example tokens are of no transaction, and so they are refused.
func berbixSamples() []sample {
	return []sample{
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

// Every file of events/ does what it is there for.
func TestSampleEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for p, samples := range map[sandbox.Provider][]sample{
		sandbox.Hesabe: chainSamples(), sandbox.TConnect: chainSamples(), sandbox.Berbix: berbixSamples(),
	} {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(root, "events", "refresh-"+string(p))
			checkAllAreUsed(t, dir, samples)
			c := w.credential(t, p, defaultAccount, sandbox.Options{})
			c.seed(t, nil)
			f := c.start(t)
			for _, s := range samples {
				text, err := os.ReadFile(filepath.Join(dir, s.file))
				if err != nil {
					t.Fatal(err)
				}
				f.wantCounts(t, string(text), s.outcomes)
			}
		})
	}
}

func checkAllAreUsed(t *testing.T, dir string, samples []sample) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, entry := range entries {
		files = append(files, entry.Name())
	}
	used := map[string]bool{}
	for _, s := range samples {
		used[s.file] = true
	}
	if diff := cmp.Diff(files, slices.Sorted(maps.Keys(used))); diff != "" {
		t.Errorf("files of %s (-there +used):\n%s", dir, diff)
	}
}

// An event that is not as documented is refused with a message that names the
// field, and the function lives on.
func TestMalformedEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	common := map[string]string{
		`{"froce":true}`:        `"froce"`,
		`{"force":"yes"}`:       `"force"`,
		`{"dry_run":1}`:         `"dry_run"`,
		`{"account":7}`:         `"account"`,
		`{"account":"a/b"}`:     `"account"`,
		`[]`:                    "must be a JSON object",
		`"tick"`:                "must be a JSON object",
		`{"x":1,"force":"yes"}`: `"x"`,
	}
	for p, further := range map[sandbox.Provider]map[string]string{
		sandbox.Hesabe:   {`{"transaction_id":1}`: `"transaction_id"`, `{"record":[]}`: `"record"`},
		sandbox.TConnect: {`{"transaction_id":1}`: `"transaction_id"`, `{"record":[]}`: `"record"`},
		sandbox.Berbix: {
			`{"transaction_id":"12"}`: `"transaction_id"`,
			`{"transaction_id":1.5}`:  `"transaction_id"`,
			`{"transaction_id":-1}`:   `"transaction_id"`,
			`{"record":[]}`:           `"record"`,
			`{"transaction_ids":[]}`:  `"transaction_ids"`,
			`{"record":[{"transaction_id":1,"refresh_token":"%s"},{"refresh_token":"%[1]s"}]}`:  `record[1] field "transaction_id"`,
			`{"record":[{"transaction_id":1}]}`:                                                 `record[0] field "refresh_token"`,
			`{"record":[{"transaction_id":1,"refresh_token":["%s"]}]}`:                          `record[0] field "refresh_token"`,
			`{"record":[{"transaction_id":1,"refresh_token":"%s","state":"%[1]s"}]}`:            `record[0] field "state"`,
			`{"record":[{"transaction_id":1,"refresh_token":"%s","status":"%[1]s"}]}`:           `record[0] field "status"`,
			`{"record":[{"transaction_id":1,"refresh_token":"%s","recorded_at":"%[1]s"}]}`:      `record[0] field "recorded_at"`,
			`{"record":[{"transaction_id":1,"refresh_token":"%s"}],"force":true}`:               `"record"`,
			`{"Records":[{"eventSource":"aws:s3","messageId":"1","body":"{}"}],"account":"%s"}`: `"Records[0]"`,
		},
	} {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			c := w.credential(t, p, defaultAccount, sandbox.Options{})
			c.seed(t, nil)
			f := c.start(t)
			token := c.sandbox.Issue(p).RefreshToken
			for _, cases := range []map[string]string{common, further} {
				for event, want := range cases {
					if strings.Contains(event, "%") {
						event = fmt.Sprintf(event, token)
					}
					if fault := f.fail(t, event); !strings.Contains(fault.Message, want) {
						t.Errorf("%s: %s, want %s named", event, fault.Message, want)
					}
				}
			}
			if n := f.Starts(); n != 1 {
				t.Errorf("the function was started %d times", n)
			}
			checkCalls(t, c, 0, 0)
			if calls := f.wire.clear(); len(calls) != 0 {
				t.Errorf("calls to AWS: %v", calls)
			}
		})
	}
}
