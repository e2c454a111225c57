package embedded

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
	"tokenrefresh/pkg/strict"
)

// storedRow is how the file holds a store.Row, whose key is the key there.
type storedRow struct {
	store.Row

	Escrow      storedEscrow `json:"escrow,omitzero"` // replaces the row's, whose bytes mask themselves
	TickSeconds int64        `json:"tick,omitempty"`
	SpentShort  string       `json:"spent_short,omitempty"` // the row's own list holds those that are kept whole
	// StagedAt are the times that older releases kept instead of the row's Staged.
	StagedAt []time.Time `json:"staged_at,omitempty"`
}

type storedEscrow struct {
	AttemptID string    `json:"attempt_id,omitempty"`
	Bytes     []byte    `json:"bytes,omitempty"` // a raw reply need not be UTF-8
	Raw       bool      `json:"raw,omitempty"`
	Sent      time.Time `json:"sent,omitzero"`
}

// milliseconds is a time as rows keep it.
func milliseconds(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

func encodeRow(r store.Row) ([]byte, error) {
	for _, at := range append(times(&r), &r.Escrow.Sent) {
		*at = milliseconds(*at)
	}
	escrow := storedEscrow{
		AttemptID: r.Escrow.AttemptID, Bytes: []byte(r.Escrow.Bytes.Reveal()), Raw: r.Escrow.Raw, Sent: r.Escrow.Sent,
	}
	s := storedRow{Row: r, Escrow: escrow, TickSeconds: int64(r.Tick / time.Second)}
	s.SpentShort, s.Spent = store.PackSpent(r.Spent)
	return json.Marshal(s)
}

func decodeRow(key store.Key, data []byte) (store.Row, error) {
	var s storedRow
	err := json.Unmarshal(data, &s)
	if err == nil {
		err = keepable(&s.Row, append(s.StagedAt, s.Escrow.Sent)...)
	}
	if err == nil {
		_, err = store.ParseTally(string(s.Staged))
	}
	if err != nil {
		return store.Row{Key: key}, fmt.Errorf("ledger row %s cannot be read: %w", key, err)
	}
	s.Key, s.Tick = key, time.Duration(s.TickSeconds)*time.Second
	s.Spent = store.UnpackSpent(s.SpentShort, s.Spent)
	s.Staged = s.Staged.Add(s.StagedAt...) // added by an older release
	s.Row.Escrow = store.Escrow{
		AttemptID: s.Escrow.AttemptID, Bytes: secret.New(string(s.Escrow.Bytes)), Raw: s.Escrow.Raw, Sent: s.Escrow.Sent,
	}
	return s.Row, nil
}

// times are the times among the fields of a struct.
func times(of any) []*time.Time {
	var all []*time.Time
	fields := reflect.ValueOf(of).Elem()
	for i := range fields.NumField() {
		if at, ok := fields.Field(i).Addr().Interface().(*time.Time); ok {
			all = append(all, at)
		}
	}
	return all
}

// keepable refuses a struct with times that could not be stored.
func keepable(of any, more ...time.Time) error {
	for _, at := range times(of) {
		more = append(more, *at)
	}
	if slices.ContainsFunc(more, strict.Unwritable) {
		return errors.New("a time is out of range")
	}
	return nil
}

// names are the members of T's JSON object that this release reads and writes.
func names[T any]() map[string]bool {
	all := map[string]bool{}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[T]()) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		all[name] = true
	}
	return all
}

var rowNames, transactionNames = names[storedRow](), names[storedTransaction]()

// withUnknown adds to a written object the unknown members of the stored one: a later release wrote
// them, before it was rolled back or while it is deployed.
func withUnknown(stored, written []byte, known map[string]bool) ([]byte, error) {
	var before, after map[string]json.RawMessage
	if readable := json.Unmarshal(stored, &before) == nil; !readable { // there was none
		return written, nil
	}
	maps.DeleteFunc(before, func(name string, _ json.RawMessage) bool { return known[name] })
	if len(before) == 0 {
		return written, nil
	}
	if err := json.Unmarshal(written, &after); err != nil {
		return nil, err
	}
	maps.Copy(after, before)
	return json.Marshal(after)
}
