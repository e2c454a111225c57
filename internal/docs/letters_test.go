package docs_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/pkg/event"
)

// letter is a message in the queue of dead letters.
type letter struct {
	MessageId, ReceiptHandle, Body string //nolint:revive // AWS's names
	Attributes                     map[string]string
	Received                       bool `json:",omitempty"`
}

// desk is what the AWS CLI of the run book's loop works on, in a file.
type desk struct {
	Queue    []letter
	Invoked  []string // events that were given to the function and stored
	Refused  []string // and those that it refused
	Receives int
}

const (
	deskFile = "DOCS_TEST_DESK"
	// unstored is a refresh token whose record the function cannot store.
	unstored = "unstored"
	sent     = "2026-01-02T03:04:05Z"
)

// TestMain lets the test process be the `aws` of the loop.
func TestMain(m *testing.M) {
	path := os.Getenv(deskFile)
	if path == "" {
		os.Exit(m.Run())
	}
	var d desk
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &d)
	}
	if err == nil {
		err = d.run(os.Args[1:])
	}
	if err == nil {
		text, err = json.Marshal(d)
	}
	if err == nil {
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func option(args []string, name string) string {
	if i := slices.Index(args, name); i >= 0 && i+1 < len(args) {
		return args[i+1]
	}
	return ""
}

// run does what the AWS CLI does.
func (d *desk) run(args []string) error {
	switch strings.Join(args[:2], " ") {
	case "cloudformation describe-stacks":
		fmt.Println("https://queue")
	case "sqs receive-message":
		return d.receive(args)
	case "sqs delete-message":
		handle := option(args, "--receipt-handle")
		d.Queue = slices.DeleteFunc(d.Queue, func(l letter) bool { return l.ReceiptHandle == handle })
	case "lambda invoke":
		return d.invoke(args)
	default:
		return fmt.Errorf("the loop runs aws %q", args)
	}
	return nil
}

func (d *desk) receive(args []string) error {
	most, err := strconv.Atoi(option(args, "--max-number-of-messages"))
	if err != nil || most > 10 || option(args, "--queue-url") != "https://queue" {
		return fmt.Errorf("receive: %q", args)
	}
	d.Receives++
	var batch []letter
	for i := range d.Queue {
		if l := &d.Queue[i]; !l.Received && len(batch) < most {
			l.Received = true
			given := *l
			if given.Received = false; option(args, "--attribute-names") != "SentTimestamp" {
				given.Attributes = nil
			}
			batch = append(batch, given)
		}
	}
	if len(batch) == 0 {
		return nil // the CLI then writes nothing
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{"Messages": batch})
}

// invoke takes what the function takes.
func (d *desk) invoke(args []string) error {
	payload, err := io.ReadAll(os.Stdin)
	if err != nil || option(args, "--payload") != "fileb:///dev/stdin" || option(args, "--query") != "FunctionError" {
		return fmt.Errorf("invoke: %q, %w", args, err)
	}
	text := strings.TrimSpace(string(payload))
	if !storable(payload) {
		d.Refused = append(d.Refused, text)
		fmt.Println("Unhandled")
		return nil
	}
	d.Invoked = append(d.Invoked, text)
	fmt.Println("None")
	return nil
}

func storable(payload []byte) bool {
	e, _, err := event.DecodeSweep(payload)
	return err == nil && !slices.ContainsFunc(e.Record, func(r event.Record) bool { return r.RefreshToken.Reveal() == unstored })
}

// commands are the run book's that receive letters and have this in them.
func commands(t *testing.T, part string) string {
	t.Helper()
	for _, block := range documents(t)[operations].blocks[""] {
		if strings.Contains(block, "sqs receive-message") && strings.Contains(block, part) {
			return block
		}
	}
	t.Fatalf("%s has no commands with %s", operations, part)
	return ""
}

// work runs the loop over letters.
func work(t *testing.T, bodies ...string) desk {
	t.Helper()
	d, _ := runOver(t, commands(t, "while letters="), bodies...)
	return d
}

// runOver runs commands over letters and returns what they print.
func runOver(t *testing.T, script string, bodies ...string) (desk, string) {
	t.Helper()
	for _, tool := range []string{"bash", "jq"} {
		if _, err := exec.LookPath(tool); err != nil && os.Getenv("CI") != "true" {
			t.Skipf("the loop of the run book wants %s, which is not installed", tool)
		}
	}
	at, err := time.Parse(time.RFC3339, sent)
	assert.NilError(t, err)
	var d desk
	for i, body := range bodies {
		d.Queue = append(d.Queue, letter{
			MessageId: fmt.Sprintf("m-%d", i), ReceiptHandle: fmt.Sprintf("r-%d", i), Body: body,
			Attributes: map[string]string{"SentTimestamp": strconv.FormatInt(at.UnixMilli()+678, 10)},
		})
	}
	dir := t.TempDir()
	file, bin := filepath.Join(dir, "desk.json"), filepath.Join(dir, "aws")
	text, err := json.Marshal(d)
	assert.NilError(t, err)
	assert.NilError(t, os.WriteFile(file, text, 0o600))
	self, err := os.Executable()
	assert.NilError(t, err)
	assert.NilError(t, os.Symlink(self, bin))
	limit, cancel := context.WithTimeout(t.Context(), time.Minute) // a loop may not end
	defer cancel()
	cmd := exec.CommandContext(limit, "bash", "-c", script)
	cmd.Env = append(os.Environ(), deskFile+"="+file, "PATH="+dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
	output, err := cmd.CombinedOutput()
	if err != nil && limit.Err() != nil {
		t.Fatalf("%v: %s", err, output)
	}
	assert.Check(t, !strings.Contains(string(output), "token-1"), "a refresh token is shown: %s", output)
	text, err = os.ReadFile(file)
	assert.NilError(t, err)
	d = desk{}
	assert.NilError(t, json.Unmarshal(text, &d))
	return d, string(output)
}

// wrapped is a letter as Lambda writes it to a destination.
func wrapped(payload string) string {
	return `{"version":"1.0","timestamp":"2026-01-01T00:00:00.000Z","requestContext":{"condition":"RetriesExhausted"}` + payload +
		`,"responseContext":{"statusCode":200,"functionError":"Unhandled"},"responsePayload":{"errorType":"E","errorMessage":"m"}}`
}

// What the loop must delete: work that a later tick has done.
var harmless = []string{
	`{}`, `{"account":"a","force":true}`, `{"transaction_ids":[1,2]}`, `{"account":"a","rejected":"b"}`,
	wrapped(`,"requestPayload":{}`),
}

func TestLoopOfTheRunBook(t *testing.T) {
	t.Parallel()
	const one = `{"transaction_id":1,"refresh_token":"token-1"}`
	for name, tc := range map[string]struct {
		body   string
		stored string // the event that the function gets; "": none
	}{
		"event alone": {
			`{"account":"a","record":[` + one + `]}`,
			`{"account":"a","record":[{"transaction_id":1,"refresh_token":"token-1","recorded_at":"` + sent + `"}]}`,
		},
		"of a destination": {
			wrapped(`,"requestPayload":{"record":[` + one + `]}`),
			`{"record":[{"transaction_id":1,"refresh_token":"token-1","recorded_at":"2026-01-01T00:00:00.000Z"}]}`,
		},
		"recorded before": {
			`{"record":[{"transaction_id":1,"status":"deleted","recorded_at":"2025-01-01T00:00:00Z"}]}`,
			`{"record":[{"transaction_id":1,"status":"deleted","recorded_at":"2025-01-01T00:00:00Z"}]}`,
		},
		"one record without its list": {
			`{"record":` + one + `}`,
			`{"record":[{"transaction_id":1,"refresh_token":"token-1","recorded_at":"` + sent + `"}]}`,
		},
		"the largest id that jq knows exactly": {
			`{"record":{"transaction_id":9007199254740991,"refresh_token":"token-1"}}`,
			`{"record":[{"transaction_id":9007199254740991,"refresh_token":"token-1","recorded_at":"` + sent + `"}]}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := work(t, tc.body)
			if diff := cmp.Diff([]string{tc.stored}, d.Invoked); diff != "" || len(d.Queue) != 0 {
				t.Errorf("%d letters are left, events (-want +got):\n%s", len(d.Queue), diff)
			}
		})
	}
}

// A list that the function refuses for its length is sent in parts.
func TestLoopSendsLongListsInParts(t *testing.T) {
	t.Parallel()
	var records []string
	for i := range 2*event.MaxRecords + 1 {
		records = append(records, fmt.Sprintf(`{"transaction_id":%d,"refresh_token":"token-%d"}`, i+1, i+1))
	}
	d := work(t, `{"record":[`+strings.Join(records, ",")+`]}`)
	var ids []int64
	for _, text := range d.Invoked {
		e, _, err := event.DecodeSweep([]byte(text))
		assert.NilError(t, err)
		for _, r := range e.Record {
			ids = append(ids, r.TransactionID)
		}
	}
	slices.Sort(ids)
	assert.Check(t, len(d.Queue) == 0 && len(ids) == len(records) && len(slices.Compact(ids)) == len(records),
		"%d letters are left, %d of %d records were stored", len(d.Queue), len(ids), len(records))
}

// What it cannot read may hold a token, and what failed again does: both stay.
func TestLoopDeletesNothingThatMayHoldAToken(t *testing.T) {
	t.Parallel()
	stay := []string{
		wrapped(``),                       // too large: Lambda has left the payload out
		wrapped(`,"requestPayload":null`), // the same
		`not JSON`, `"text"`, `null`, `[]`, ``,
		`{"rekord":[{"transaction_id":1,"refresh_token":"token-1"}]}`,
		`{"record":[{"transaction_id":1,"refresh_token":"` + unstored + `"}]}`,
		`{"record":[{"transaction_id":1,"refresh_token":"token-1"}],"frce":true}`,
		`{"record":"token-1"}`,
		`{"record":[{"transaction_id":9007199254740993,"refresh_token":"token-1"}]}`, // jq makes …992 of it
		`{"record":[{"transaction_id":1,"status":"deleted"},{"transaction_id":9223372036854775807,"status":"deleted"}]}`,
		`{"Records":[{"messageId":"m","eventSource":"aws:sqs","body":"{}"}]}`,
	}
	d := work(t, slices.Concat(stay, harmless)...)
	var left []string
	for _, l := range d.Queue {
		left = append(left, l.Body)
	}
	assert.Check(t, is.DeepEqual(left, stay), "left")
	if len(d.Invoked) != 0 || d.Receives != 3 { // two batches of ten at most, and an empty one
		t.Errorf("stored %v; %d times received", d.Invoked, d.Receives)
	}
}

func TestALettersKeysAreShownWithoutValues(t *testing.T) {
	t.Parallel()
	d, shown := runOver(t, "queue=https://queue\n"+commands(t, "paths"),
		`{"rekord":[{"transaction_id":1,"refresh_token":"token-1"}]}`, `token-1 is not JSON`, `{"record":"token-1"}`)
	want := `{"MessageId":"m-0","keys":["rekord","rekord.[]","rekord.[].refresh_token","rekord.[].transaction_id"]}
{"MessageId":"m-1","keys":"not JSON"}
{"MessageId":"m-2","keys":["record"]}
`
	diff := cmp.Diff(want, shown)
	assert.Check(t, diff == "" && len(d.Queue) == 3, "%d letters are left; (-want +got):\n%s", len(d.Queue), diff)
}

func TestASingleLetterIsDeleted(t *testing.T) {
	t.Parallel()
	script := "queue=https://queue\n" + commands(t, "id=the-MessageId")
	for id, left := range map[string]int{"m-1": 2, "m-7": 3} {
		d, shown := runOver(t, strings.Replace(script, "the-MessageId", id, 1), `{}`, `not JSON`, `{"rekord":1}`)
		if len(d.Queue) != left || slices.ContainsFunc(d.Queue, func(l letter) bool { return l.MessageId == id }) {
			t.Errorf("%s: %d letters are left: %s", id, len(d.Queue), shown)
		}
	}
}
