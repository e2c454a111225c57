package event_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gotest.tools/v3/assert"

	"tokenrefresh/internal/plant"
	"tokenrefresh/pkg/config"
	"tokenrefresh/pkg/event"
)

// payloads are seeds: real payloads of the functions, and similar ones.
var payloads = []string{
	``, ` null `, `{}`, `[]`, `{"account":"default","force":true,"dry_run":true}`, `{"force":"yes"}`, `{"account":"a/b"}`,
	`{"version":"0","id":"x","detail-type":"Scheduled Event","source":"aws.scheduler","account":"123456789012","detail":{}}`,
	`{"source":"team.berbix","detail-type":"Created","record":[]}`,
	`{"transaction_id":9007199254740993,"force":true}`, `{"transaction_id":1.5}`, `{"transaction_id":-1}`,
	`{"account":"shop","transaction_ids":[9007199254740993,7]}`, `{"transaction_ids":[]}`, `{"transaction_ids":[0,null]}`,
	`{"record":[{"transaction_id":9007199254740993,"refresh_token":"rt","customer_uid":"c","ttl":1800000000}]}`,
	`{"account":"shop","record":[{"transaction_id":2,"status":"completed","recorded_at":"2026-01-02T03:04:05+07:00","account":"other"}]}`,
	`{"record":[{"transaction_id":1,"refresh_token":"rt","recorded_at":"9999-12-31T23:59:59-01:00","ttl":9223372036854775807}]}`,
	`{"record":[{"transaction_id":1,"refresh_token":"\ud800"}]}`,
	`{"record":[null]}`, `{"force":true,"force":null}`, `{"Records":[]}`,
	`{"Records":[{"messageId":"m","eventSource":"aws:sqs","body":"{\"transaction_id\":7}"}]}`,
}

// FuzzDecode: an event that a function for chains takes means the same to a sweep.
func FuzzDecode(f *testing.F) {
	for _, payload := range payloads {
		f.Add([]byte(payload))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		e, err := event.Decode(payload)
		if err != nil {
			checkRefusal(t, payload, func(payload []byte) error {
				_, err := event.Decode(payload)
				return err
			})
			return
		}
		if e.Account != "" && !config.ValidAccount(e.Account) || e.TransactionID != 0 ||
			e.TransactionIDs != nil || e.Record != nil {
			t.Errorf("%q became %+v", payload, e)
		}
		swept, messages, err := event.DecodeSweep(payload)
		if diff := cmp.Diff(e, swept, comparer); diff != "" || messages != nil || err != nil {
			t.Errorf("to a sweep %q is %v, %v (-refresh +sweep):\n%s", payload, messages, err, diff)
		}
	})
}

// FuzzDecodeSweep: an event that a sweep takes can be processed, and written again with the same
// meaning.
func FuzzDecodeSweep(f *testing.F) {
	for _, payload := range payloads {
		f.Add([]byte(payload))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		e, messages, err := event.DecodeSweep(payload)
		if err != nil {
			checkRefusal(t, payload, func(payload []byte) error {
				_, _, err := event.DecodeSweep(payload)
				return err
			})
			return
		}
		checkEvent(t, e)
		for _, m := range messages {
			assert.Check(t, m.ID != "", "a message without an id cannot be reported as failed")
			if m.Err == nil {
				checkEvent(t, m.Event)
			}
		}
		again, _, err := event.DecodeSweep(encode(t, e))
		diff := cmp.Diff(e, again, comparer)
		assert.Check(t, diff == "" && err == nil, "%q written again: %v (-first +second):\n%s", payload, err, diff)
	})
}

// FuzzMessageBody: the body of an SQS message means the same as an event, and a wrong one spoils no
// other.
func FuzzMessageBody(f *testing.F) {
	for _, payload := range payloads {
		f.Add(payload)
	}
	f.Fuzz(func(t *testing.T, body string) {
		batch := func(body string) []event.Message {
			payload, err := json.Marshal(map[string]any{"Records": []map[string]any{
				{"messageId": "m-1", "eventSource": "aws:sqs", "body": body, "attributes": map[string]string{"SentTimestamp": "1"}},
				{"messageId": "m-2", "eventSource": "aws:sqs", "body": `{"transaction_id":7}`},
			}})
			assert.NilError(t, err)
			e, messages, err := event.DecodeSweep(payload)
			if err != nil || len(messages) != 2 || messages[0].ID != "m-1" || messages[1].ID != "m-2" ||
				messages[1].Err != nil || messages[1].Event.TransactionID != 7 || cmp.Diff(event.Event{}, e) != "" {
				t.Fatalf("%q beside another message: %+v, %v", body, messages, err)
			}
			return messages
		}
		m := batch(body)[0]
		planted := batch(plant.Values(body))[0]
		assert.Check(t, !plant.Shown(planted.Err), "the error shows the message: %v", planted.Err)
		if m.Err != nil {
			return
		}
		checkEvent(t, m.Event)
		alone, nested, err := event.DecodeSweep([]byte(body))
		if diff := cmp.Diff(alone, m.Event, comparer); diff != "" || nested != nil || err != nil {
			t.Errorf("%q alone: %v, %v (-event +message):\n%s", body, nested, err, diff)
		}
	})
}

// checkEvent: the event holds nothing that would be refused, or could not be stored, later.
func checkEvent(t *testing.T, e event.Event) {
	t.Helper()
	if e.TransactionID < 0 || e.Account != "" && !config.ValidAccount(e.Account) {
		t.Errorf("an unusable event was taken: %+v", e)
	}
	if list := e.TransactionIDs; list != nil && (len(list) < 1 || len(list) > 1000 || slices.Min(list) <= 0 || e.Force || e.DryRun) {
		t.Errorf("an unusable list was taken: %+v", e)
	}
	for _, r := range e.Record {
		done := r.Status == "completed" || r.Status == "deleted"
		if r.TransactionID <= 0 || r.RefreshToken.Blank() && !done || !done && r.Status != "" && r.Status != "active" ||
			r.Account != "" && !config.ValidAccount(r.Account) {
			t.Errorf("an unusable record was taken: %+v", r)
		}
		for _, at := range []time.Time{r.RecordedAt, r.ExpiresAt} {
			if _, err := at.MarshalText(); err != nil || at.Location() != time.UTC {
				t.Errorf("a time was taken that cannot be kept: %s, %v", at, err)
			}
		}
	}
}

// checkRefusal: an error has a text, and shows no value of the event.
func checkRefusal(t *testing.T, payload []byte, decode func([]byte) error) {
	t.Helper()
	assert.Check(t, decode(payload).Error() != "", "no word on %q", payload)
	err := decode([]byte(plant.Values(string(payload))))
	assert.Check(t, !plant.Shown(err), "the error shows the event: %v", err)
}

// encode writes an event as docs/invoking.md documents it.
func encode(t *testing.T, e event.Event) []byte {
	t.Helper()
	all := map[string]any{"force": e.Force, "dry_run": e.DryRun}
	set := func(in map[string]any, name string, value any) {
		if value != "" && value != int64(0) {
			in[name] = value
		}
	}
	set(all, "account", e.Account)
	set(all, "transaction_id", e.TransactionID)
	if len(e.TransactionIDs) > 0 {
		all["transaction_ids"] = e.TransactionIDs
	}
	records := make([]map[string]any, 0, len(e.Record))
	for _, r := range e.Record {
		one := map[string]any{"transaction_id": r.TransactionID, "refresh_token": r.RefreshToken.Reveal(), "customer_uid": r.CustomerUID}
		set(one, "account", r.Account)
		set(one, "status", r.Status)
		if !r.RecordedAt.IsZero() {
			one["recorded_at"] = r.RecordedAt
		}
		if !r.ExpiresAt.IsZero() {
			one["ttl"] = r.ExpiresAt.Unix()
		}
		records = append(records, one)
	}
	if len(records) > 0 {
		all["record"] = records
	}
	text, err := json.Marshal(all)
	assert.NilError(t, err)
	return text
}
