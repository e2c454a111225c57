// Package event decodes what invokes a function: the schedules' empty object, an
// ad-hoc event, a scheduler's envelope, and for Berbix records and SQS batches.
package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"tokenrefresh/pkg/brief"
	"tokenrefresh/pkg/config"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
	"tokenrefresh/pkg/strict"
)

// Event is one request to a function. The zero value asks for a plain tick.
type Event struct {
	Account string // empty: all
	Force   bool
	DryRun  bool

	// Rejected is the attempt whose token a reader's provider refuses although it is
	// published. For chains only, and of the named Account.
	Rejected string

	// For Berbix only.
	TransactionID  int64   // 0: all that is due
	TransactionIDs []int64 // those of them that are due
	Record         []Record
}

// Record is a transaction to keep fresh, or its new status.
type Record struct {
	TransactionID int64
	RefreshToken  secret.String
	CustomerUID   string
	Account       string // empty: the event's
	Status        string // empty: active
	RecordedAt    time.Time
	ExpiresAt     time.Time // ttl: when the row may be deleted
}

// At bounds a record that arrives now. If its sender's clock is ahead, recorded_at counts as now.
// Otherwise it would win over every later record until then.
func (r Record) At(now time.Time) Record {
	if r.RecordedAt.After(now.Add(store.MaxAhead)) {
		r.RecordedAt = now
	}
	return r
}

// maxIDs is how many transactions an event may list. A run would not get more done.
const maxIDs = 1000

// MaxRecords and MaxRecordBytes limit the records of an event. A run can store them in its time,
// and the event of a failed run fits into a dead-letter queue (1 MiB, with Lambda's attributes).
const (
	MaxRecords     = 1000
	MaxRecordBytes = 512 << 10
)

// Message is one SQS message. Err is set where its body is no event.
type Message struct {
	ID    string
	Event Event
	Err   error
}

// Decode reads the event of a function that refreshes chains. An error names the
// field.
func Decode(payload []byte) (Event, error) {
	all, err := object(payload)
	if err != nil || all == nil {
		return Event{}, err
	}
	f := newFields(all, "event")
	e := f.common()
	e.Rejected = f.rejected(e)
	return e, f.done()
}

// notInAttemptID reports whether no attempt id has the character. Attempt ids are UUIDs.
func notInAttemptID(r rune) bool {
	return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-'
}

// rejected reads the attempt that a reader reports. Any reader may report one, so no other field
// may come with it, least of all force.
func (f *fields) rejected(e Event) string {
	var id string
	switch {
	case !f.Take("rejected", &id, "a string"):
	case id == "" || len(id) > 64 || strings.ContainsFunc(id, notInAttemptID):
		f.Wrong("rejected", "must be an attempt_id: up to 64 letters, digits and -")
	case e.Account == "" || e.Force || e.DryRun:
		f.Wrong("rejected", "stands with account, and with nothing else")
	}
	return id
}

// DecodeSweep reads the event of a function that sweeps transactions. messages is
// not nil for an SQS batch; e is the zero Event then. An error names the field.
func DecodeSweep(payload []byte) (e Event, messages []Message, err error) {
	all, err := object(payload)
	if err != nil || all == nil {
		return Event{}, nil, err
	}
	if _, ok := all["Records"]; ok {
		messages, err = batch(payload)
		return Event{}, messages, err
	}
	e, err = sweepEvent(all)
	return e, nil, err
}

// sweepEvent reads an event's fields.
func sweepEvent(all map[string]json.RawMessage) (Event, error) {
	f := newFields(all, "event")
	e := f.common()
	e.TransactionID = f.id("transaction_id", false)
	e.TransactionIDs = f.ids("transaction_ids")
	e.Record = f.records()
	more := e.TransactionID != 0 || e.Force || e.DryRun
	f.refuse(len(e.TransactionIDs) > 0 && (more || len(e.Record) > 0), "transaction_ids", "stands alone or with account")
	f.refuse(len(e.Record) > 0 && more, "record", "stands alone or with account")
	return e, f.done()
}

// object is the payload's object; nil for an empty event and a scheduler's envelope.
func object(payload []byte) (map[string]json.RawMessage, error) {
	payload = bytes.TrimSpace(payload)
	if len(payload) == 0 || string(payload) == "null" {
		return nil, nil
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(payload, &all); err != nil {
		return nil, errors.New("event: must be a JSON object")
	}
	source, isEnvelope := all["source"], all["detail-type"] != nil && all["source"] != nil
	// Another source's event may hold data that would be lost.
	if isEnvelope && string(source) != `"aws.scheduler"` && string(source) != `"aws.events"` {
		return nil, errors.New(`event field "source": is not a schedule's; give the function the event itself`)
	}
	if isEnvelope {
		return nil, nil
	}
	return all, nil
}

// batch reads an SQS batch. A message whose body is no event fails alone.
func batch(payload []byte) ([]Message, error) {
	var raw struct {
		Records []struct {
			MessageID   string `json:"messageId"`
			EventSource string `json:"eventSource"`
			Body        string `json:"body"`
		} `json:"Records"`
	}
	if json.Unmarshal(payload, &raw) != nil {
		return nil, errors.New(`event field "Records": must be the messages of an SQS batch`)
	}
	messages := make([]Message, 0, len(raw.Records))
	for i, r := range raw.Records {
		if r.EventSource != "aws:sqs" || r.MessageID == "" {
			return nil, fmt.Errorf(`event field "Records[%d]": must be an SQS message`, i)
		}
		m := Message{ID: r.MessageID}
		all, err := object([]byte(r.Body))
		if err == nil && all == nil {
			err = errors.New("event: the message asks for nothing")
		}
		if err == nil {
			m.Event, err = sweepEvent(all)
		}
		m.Err = err
		messages = append(messages, m)
	}
	return messages, nil
}

// fields are the members of an event or of a record in it. Unknown members are refused: a misspelt
// "force" must not become a plain tick.
type fields struct{ strict.Object }

func newFields(all map[string]json.RawMessage, path string) *fields {
	return &fields{strict.Object{Members: all, Mistake: func(name, what string) error {
		return fmt.Errorf("%s field %q: %s", path, brief.Name(name), what)
	}}}
}

func (f *fields) done() error { return brief.Errors(f.wrongs()...) }

// wrongs returns the mistakes, unknown members included.
func (f *fields) wrongs() []error {
	f.Refuse("is not known to this function")
	return f.Mistakes
}

// refuse adds a mistake if there is one.
func (f *fields) refuse(is bool, name, what string) {
	if is {
		f.Wrong(name, what)
	}
}

func (f *fields) common() Event {
	var e Event
	f.Take("force", &e.Force, "true or false")
	f.Take("dry_run", &e.DryRun, "true or false")
	e.Account = f.account()
	return e
}

func (f *fields) account() string {
	var account string
	taken := f.Take("account", &account, "a string")
	f.refuse(taken && !config.ValidAccount(account), "account", "must be up to 64 letters, digits and _ . @ + = -")
	return account
}

// id reads a transaction id: a JSON integer beyond 32 bits.
func (f *fields) id(name string, required bool) int64 {
	const what = "a whole number above 0, without quotes"
	f.refuse(required && f.Members[name] == nil, name, "is missing")
	var id int64
	taken := f.Take(name, &id, what)
	f.refuse(taken && id <= 0, name, "must be "+what)
	return id
}

// ids reads a list of transaction ids.
func (f *fields) ids(name string) []int64 {
	what := fmt.Sprintf("a list of 1 to %d whole numbers above 0, without quotes", maxIDs)
	var ids []int64
	if !f.Take(name, &ids, what) {
		return nil
	}
	if len(ids) == 0 || len(ids) > maxIDs || slices.Min(ids) <= 0 {
		f.Wrong(name, "must be "+what)
		return nil
	}
	return ids
}

// DecodeRecord reads one record of an event by itself, by the same rules. An error names the field
// and no value.
func DecodeRecord(text []byte) (Record, error) {
	all, err := strict.Members(string(text))
	if err != nil {
		return Record{}, errors.New("record: must be a JSON object")
	}
	f := newFields(all, "record")
	r := f.record()
	return r, f.done()
}

// records reads the field record.
func (f *fields) records() []Record {
	size := len(f.Members["record"])
	var list []map[string]json.RawMessage
	if !f.Take("record", &list, "a list of objects") {
		return nil
	}
	f.refuse(len(list) == 0, "record", "must not be empty")
	if len(list) > MaxRecords || size > MaxRecordBytes {
		f.Wrong("record", fmt.Sprintf("has %d records in %d bytes, and an event takes %d in %d at most: nothing was stored. "+
			"Send several events, or a file: tokenctl record --file", len(list), size, MaxRecords, MaxRecordBytes))
		return nil
	}
	records := make([]Record, 0, len(list))
	for i, all := range list {
		item := newFields(all, fmt.Sprintf("event record[%d]", i))
		records = append(records, item.record())
		f.Mistakes = append(f.Mistakes, item.wrongs()...)
	}
	return records
}

func (f *fields) record() Record {
	var r Record
	r.TransactionID = f.id("transaction_id", true)
	var token string
	f.Take("refresh_token", &token, "a string")
	f.refuse(strict.Damaged(token), "refresh_token", "is damaged: it is not valid Unicode")
	control := strings.ContainsFunc(strings.TrimSpace(token), unicode.IsControl)
	f.refuse(control, "refresh_token", "holds a control character, such as a line break")
	r.RefreshToken = secret.New(token)
	f.Take("customer_uid", &r.CustomerUID, "a string")
	r.Account = f.account()
	known := []string{"active", "completed", "deleted"}
	taken := f.Take("status", &r.Status, "a string")
	f.refuse(taken && !slices.Contains(known, r.Status), "status", "must be active, completed or deleted")
	f.refuse(r.RefreshToken.Blank() && (r.Status == "" || r.Status == "active"), "refresh_token", "is missing")
	if f.Take("recorded_at", &r.RecordedAt, "an RFC 3339 time") {
		r.RecordedAt = r.RecordedAt.UTC()
		f.refuse(strict.Unwritable(r.RecordedAt), "recorded_at", "must be an RFC 3339 time")
	}
	var ttl int64
	if f.Take("ttl", &ttl, "seconds since 1970") {
		r.ExpiresAt = time.Unix(ttl, 0).UTC() // of milliseconds, it is unwritable
		f.refuse(ttl <= 0 || strict.Unwritable(r.ExpiresAt), "ttl", "must be seconds since 1970")
	}
	return r
}
