package event_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/pkg/event"
	"tokenrefresh/pkg/secret"
)

var comparer = cmp.Options{
	cmp.Comparer(func(a, b secret.String) bool { return a.Reveal() == b.Reveal() }),
	cmpopts.EquateErrors(),
}

func TestDecode(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		payload string
		want    event.Event
	}{
		"schedule":      {payload: `{}`},
		"empty payload": {payload: ``},
		"null":          {payload: ` null `},
		"scheduler's envelope": {
			payload: `{"version":"0","id":"x","detail-type":"Scheduled Event","source":"aws.scheduler","account":"123456789012","detail":{}}`,
		},
		"account": {payload: `{"account":"shop-2"}`, want: event.Event{Account: "shop-2"}},
		"all": {
			payload: `{"account":"default","force":true,"dry_run":true}`,
			want:    event.Event{Account: "default", Force: true, DryRun: true},
		},
		"said to be false": {payload: `{"force":false,"dry_run":false}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := event.Decode([]byte(tc.payload))
			assert.NilError(t, err)
			assert.Check(t, is.DeepEqual(got, tc.want, comparer))
			sweep, messages, err := event.DecodeSweep([]byte(tc.payload))
			assert.Assert(t, err == nil && messages == nil, "messages %v, error %v", messages, err)
			assert.Check(t, is.DeepEqual(sweep, tc.want, comparer), "sweep")
		})
	}
}

// A reader's rejection carries no other field, and a reader cannot smuggle one in: EventBridge puts
// its text before the last "rejected" of the rule's template.
func TestDecodeRejected(t *testing.T) {
	t.Parallel()
	const id = "5b1d5c52-3f6c-4a52-8f5e-0f6f6d6b7a11"
	got, err := event.Decode([]byte(`{"account":"shop-2","rejected":"` + id + `"}`))
	diff := cmp.Diff(event.Event{Account: "shop-2", Rejected: id}, got, comparer)
	assert.Check(t, diff == "" && err == nil, "%v (-want +got):\n%s", err, diff)
	for payload, want := range map[string]string{
		`{"rejected":"` + id + `"}`:                                                "stands with account",
		`{"account":"","rejected":"` + id + `"}`:                                   `"account"`,
		`{"account":"a","rejected":""}`:                                            "must be an attempt_id",
		`{"account":"a","rejected":"` + strings.Repeat("a", 65) + `"}`:             "must be an attempt_id",
		`{"account":"a","rejected":"a b"}`:                                         "must be an attempt_id",
		`{"account":"a","rejected":"é"}`:                                           "must be an attempt_id",
		`{"account":"a","rejected":7}`:                                             "must be a string",
		`{"account":"a","rejected":null}`:                                          "must be a string",
		`{"account":"a","rejected":["` + id + `"]}`:                                "must be a string",
		`{"account":["a"],"rejected":"` + id + `"}`:                                `"account"`,
		`{"account":"a","force":true,"rejected":"` + id + `"}`:                     "stands with account",
		`{"account":"a","dry_run":true,"rejected":"` + id + `"}`:                   "stands with account",
		`{"account":"a","rejected":"","rejected":"","force":true}`:                 "must be an attempt_id",
		`{"account":"a","rejected":"` + id + `","refresh":true}`:                   "is not known",
		`{"account":"a","force":true,"rejected":"x","rejected":"` + id + `"}`:      "stands with account",
		`{"account":,"rejected":}`:                                                 "JSON object",
		`{"account":"a","force":false,"rejected":"` + id + `","dry_run":true}`:     "stands with account",
		`{"account":"a","rejected":"` + id + `","force":true,"account":"default"}`: "stands with account",
	} {
		if got, err := event.Decode([]byte(payload)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %+v, %v, want %q", payload, got, err, want)
		}
	}
	_, _, err = event.DecodeSweep([]byte(`{"account":"a","rejected":"` + id + `"}`))
	assert.Check(t, err != nil, "a sweep takes it")
}

func TestDecodeSweep(t *testing.T) {
	t.Parallel()
	got, _, err := event.DecodeSweep([]byte(`{"account":"shop","record":[
		{"transaction_id":9007199254740993,"refresh_token":"rt-1","customer_uid":"c-1"},
		{"transaction_id":2,"status":"completed","recorded_at":"2026-01-02T03:04:05+07:00","ttl":1800000000,"account":"other"}]}`))
	assert.NilError(t, err)
	want := event.Event{Account: "shop", Record: []event.Record{
		{TransactionID: 9007199254740993, RefreshToken: secret.New("rt-1"), CustomerUID: "c-1"},
		{
			TransactionID: 2, Status: "completed", Account: "other",
			RecordedAt: time.Date(2026, 1, 1, 20, 4, 5, 0, time.UTC), ExpiresAt: time.Unix(1800000000, 0).UTC(),
		},
	}}
	assert.Check(t, is.DeepEqual(got, want, comparer))

	got, _, err = event.DecodeSweep([]byte(`{"transaction_id":1234567890123,"force":true}`))
	assert.Check(t, err == nil && got.TransactionID == 1234567890123 && got.Force, "one transaction: %+v, %v", got, err)

	got, _, err = event.DecodeSweep([]byte(`{"account":"shop","transaction_ids":[9007199254740993,2,2]}`))
	want = event.Event{Account: "shop", TransactionIDs: []int64{9007199254740993, 2, 2}}
	diff := cmp.Diff(want, got, comparer)
	assert.Check(t, diff == "" && err == nil, "a list, %v (-want +got):\n%s", err, diff)
	_, _, err = event.DecodeSweep(list(1000))
	assert.Check(t, err == nil, "a list of 1000: %v", err)
}

// list is the event of n transactions.
func list(n int) []byte {
	return []byte(`{"transaction_ids":[7` + strings.Repeat(",7", n-1) + `]}`)
}

// A single record is read by the same rules as those in an event.
func TestDecodeRecord(t *testing.T) {
	t.Parallel()
	got, err := event.DecodeRecord([]byte(`{"transaction_id":9007199254740993,"refresh_token":"rt","account":"shop"}`))
	assert.NilError(t, err)
	want := event.Record{TransactionID: 9007199254740993, RefreshToken: secret.New("rt"), Account: "shop"}
	assert.Check(t, is.DeepEqual(got, want, comparer))
	for text, want := range map[string]string{
		``:                     "JSON object",
		`null`:                 "JSON object",
		`[{}]`:                 "JSON object",
		`{}`:                   `record field "transaction_id": is missing`,
		`{"transaction_id":1}`: `record field "refresh_token": is missing`,
		`{"transaction_id":1,"refresh_token":"planted","x":"planted"}`: `record field "x"`,
		`{"transaction_id":1,"refresh_token":"planted\nplanted"}`:      `control character`,
	} {
		_, err := event.DecodeRecord([]byte(text))
		assert.Check(t, err != nil && strings.Contains(err.Error(), want) && !strings.Contains(err.Error(), "planted"),
			"%s: error %v", text, err)
	}
}

// A record from a clock that is ahead must not win until that time comes.
func TestRecordedAtIsBounded(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for ahead, want := range map[time.Duration]time.Duration{
		-24 * time.Hour:           -24 * time.Hour,
		0:                         0,
		5 * time.Minute:           5 * time.Minute, // two clocks are never the same
		5*time.Minute + 1:         0,
		12 * 365 * 24 * time.Hour: 0,
	} {
		got := (event.Record{RecordedAt: now.Add(ahead)}).At(now)
		assert.Check(t, got.RecordedAt.Equal(now.Add(want)), "%s ahead: it counts as %s", ahead, got.RecordedAt)
	}
	got := (event.Record{}).At(now)
	assert.Check(t, got.RecordedAt.IsZero(), "without a time: %s", got.RecordedAt)
}

func TestDecodeSweepBatch(t *testing.T) {
	t.Parallel()
	_, messages, err := event.DecodeSweep([]byte(`{"Records":[
		{"messageId":"m-1","eventSource":"aws:sqs","body":"{\"transaction_id\":7}"},
		{"messageId":"m-2","eventSource":"aws:sqs","body":"not JSON"},
		{"messageId":"m-3","eventSource":"aws:sqs","body":"{\"transaction\":7}"},
		{"messageId":"m-4","eventSource":"aws:sqs","body":""},
		{"messageId":"m-5","eventSource":"aws:sqs","body":"{\"source\":\"aws.scheduler\",\"detail-type\":\"x\"}"}]}`))
	assert.NilError(t, err)
	assert.Assert(t, len(messages) == 5 && messages[0].Err == nil && messages[0].Event.TransactionID == 7,
		"messages: %+v", messages)
	for i, want := range map[int]string{1: "JSON object", 2: `"transaction"`, 3: "nothing", 4: "nothing"} {
		if messages[i].Err == nil || !strings.Contains(messages[i].Err.Error(), want) {
			t.Errorf("message %d: error %v does not name %s", i, messages[i].Err, want)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	const planted = "planted-secret"
	for _, tc := range []struct{ payload, want string }{
		{`[]`, "event"},
		{`"x"`, "event"},
		{`{"force":true} trailing`, "event"},
		{`{"force":"yes"}`, `"force"`},
		{`{"force":null}`, `"force"`},
		{`{"dry_run":1}`, `"dry_run"`},
		{`{"account":7}`, `"account"`},
		{`{"account":""}`, `"account"`},
		{`{"account":"a/b"}`, `"account"`},
		{`{"Force":true}`, `"Force"`},
		{`{"source":"x"}`, `"source"`},
		{`{"source":"team.berbix","detail-type":"Created","record":[]}`, `"source"`},
		{`{"source":1,"detail-type":"Created"}`, `"source"`},
		{`{"transaction_id":"12"}`, `"transaction_id"`},
		{`{"transaction_id":0}`, `"transaction_id"`},
		{`{"transaction_id":-1}`, `"transaction_id"`},
		{`{"transaction_id":1.5}`, `"transaction_id"`},
		{`{"transaction_id":99999999999999999999}`, `"transaction_id"`},
		{`{"transaction_ids":[]}`, `"transaction_ids"`},
		{`{"transaction_ids":null}`, `"transaction_ids"`},
		{`{"transaction_ids":7}`, `"transaction_ids"`},
		{`{"transaction_ids":[7,0]}`, `"transaction_ids"`},
		{`{"transaction_ids":[7,null]}`, `"transaction_ids"`},
		{`{"transaction_ids":[7,"` + planted + `"]}`, `"transaction_ids"`},
		{`{"transaction_ids":[1.5]}`, `"transaction_ids"`},
		{string(list(1001)), `"transaction_ids"`},
		{`{"transaction_ids":[7],"force":true}`, `"transaction_ids"`},
		{`{"transaction_ids":[7],"dry_run":true}`, `"transaction_ids"`},
		{`{"transaction_ids":[7],"transaction_id":7}`, `"transaction_ids"`},
		{`{"transaction_ids":[7],"record":[{"transaction_id":1,"refresh_token":"a"}]}`, `"transaction_ids"`},
		{`{"record":{}}`, `"record"`},
		{`{"record":[]}`, `"record"`},
		{`{"record":[null]}`, `record[0] field "transaction_id"`},
		{`{"record":[{"transaction_id":1}]}`, `record[0] field "refresh_token"`},
		{`{"record":[{"transaction_id":1,"refresh_token":"` + planted + `"},{"refresh_token":"` + planted + `"}]}`, `record[1] field "transaction_id"`},
		{`{"record":[{"transaction_id":1,"refresh_token":"` + planted + `","x":1}]}`, `record[0] field "x"`},
		{`{"record":[{"transaction_id":1,"refresh_token":7}]}`, `record[0] field "refresh_token"`},
		{`{"record":[{"transaction_id":1,"refresh_token":"` + planted + `\ud800"}]}`, `record[0] field "refresh_token"`},
		{"{\"record\":[{\"transaction_id\":1,\"refresh_token\":\"" + planted + "\xff\"}]}", `record[0] field "refresh_token"`},
		{`{"record":[{"transaction_id":1,"refresh_token":"a","status":"done"}]}`, `record[0] field "status"`},
		{`{"record":[{"transaction_id":1,"refresh_token":"a","recorded_at":"today"}]}`, `record[0] field "recorded_at"`},
		{`{"record":[{"transaction_id":1,"refresh_token":"a","recorded_at":"9999-12-31T23:59:59-01:00"}]}`, `record[0] field "recorded_at"`},
		{`{"record":[{"transaction_id":1,"refresh_token":"a","recorded_at":"0000-01-01T00:00:00+01:00"}]}`, `record[0] field "recorded_at"`},
		{`{"record":[{"transaction_id":1,"refresh_token":"a","ttl":"x"}]}`, `record[0] field "ttl"`},
		{`{"record":[{"transaction_id":1,"refresh_token":"a","ttl":1800000000000}]}`, `record[0] field "ttl"`}, // milliseconds
		{`{"record":[{"transaction_id":1,"refresh_token":"a"}],"transaction_id":1}`, `"record"`},
		{`{"record":[{"transaction_id":1,"refresh_token":"a"}],"dry_run":true}`, `"record"`},
		{`{"Records":{}}`, `"Records"`},
		{`{"Records":[{"eventSource":"aws:s3"}]}`, `Records[0]`},
	} {
		_, _, err := event.DecodeSweep([]byte(tc.payload))
		assert.Check(t, err != nil && strings.Contains(err.Error(), tc.want),
			"%s: error %v does not name %s", tc.payload, err, tc.want)
		if err != nil && strings.Contains(err.Error(), planted) {
			t.Errorf("%s: the error shows a secret: %v", tc.payload, err)
		}
	}
	for _, name := range []string{"transaction_id", "transaction_ids", "record", "Records"} {
		if _, err := event.Decode([]byte(`{"` + name + `":1}`)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("Decode takes %s, which only a sweep knows: %v", name, err)
		}
	}
}

// Nothing of a refused list is stored, and the error tells its sender how to send all of it again.
func TestListsOfRecordsAreBounded(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		records, token int // how many, with a refresh token of how many bytes
		taken          bool
	}{
		"most":           {event.MaxRecords, 400, true},
		"one too many":   {event.MaxRecords + 1, 1, false},
		"1,500":          {1500, 1, false},
		"few, but large": {10, event.MaxRecordBytes / 10, false},
		"few, just less": {10, event.MaxRecordBytes/10 - 100, true},
		"one":            {1, event.MaxRecordBytes, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			one := `{"transaction_id":1,"refresh_token":"` + strings.Repeat("p", tc.token) + `"}`
			all := `{"record":[` + one + strings.Repeat(","+one, tc.records-1) + `]}`
			e, _, err := event.DecodeSweep([]byte(all))
			if tc.taken {
				assert.Check(t, err == nil && len(e.Record) == tc.records, "%d records, %v", len(e.Record), err)
				return
			}
			assert.Assert(t, err != nil && len(e.Record) == 0 && !strings.Contains(err.Error(), "ppp"),
				"%d records, %v", len(e.Record), err)
			for _, want := range []string{`"record"`, "nothing was stored", "several events", "tokenctl record --file"} {
				assert.Check(t, strings.Contains(err.Error(), want), "%q does not say %q", err, want)
			}
			body, err := json.Marshal(all)
			assert.NilError(t, err)
			_, messages, err := event.DecodeSweep([]byte(`{"Records":[{"messageId":"m","eventSource":"aws:sqs","body":` + string(body) + `}]}`))
			assert.Check(t, err == nil && len(messages) == 1 && messages[0].Err != nil,
				"as a message: %v, %v", messages, err)
		})
	}
}

// An error does not return the whole of a wrong event: the answer would be too large for Lambda,
// and in a queue it is stored beside the event.
func TestErrorsAreBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("n", 5<<20)
	var many, records []string
	for i := range 100_000 {
		many = append(many, fmt.Sprintf(`"f%d":1`, i))
	}
	for range event.MaxRecords {
		records = append(records, `{"x":1}`)
	}
	for name, payload := range map[string]string{
		"a long name":            `{"` + long + `":1}`,
		"a long name of control": `{"` + strings.Repeat(`\u0001`, 1<<20) + `":1}`,
		"many names":             `{` + strings.Join(many, ",") + `}`,
		"in a record":            `{"record":[{"` + long + `":1}]}`,
		"many bad records":       `{"record":[` + strings.Join(records, ",") + `]}`,
	} {
		_, _, err := event.DecodeSweep([]byte(payload))
		if err == nil || len(err.Error()) > 4<<10 || strings.Contains(err.Error(), strings.Repeat("n", 65)) {
			t.Errorf("%s: %.200v", name, err)
		}
		n := strings.Count(err.Error(), "\n")
		assert.Check(t, n <= 5, "%s: %d lines", name, n+1)
	}
	_, err := event.DecodeRecord([]byte(`{"` + long + `":1}`))
	assert.Check(t, err != nil && len(err.Error()) <= 4<<10, "one record: %.200v", err)
}
