package embedded

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/plant"
	"tokenrefresh/pkg/store"
)

// A field without a name of its own would be stored under its name in Go.
func TestEveryFieldHasAName(t *testing.T) {
	t.Parallel()
	for _, of := range []reflect.Type{reflect.TypeFor[storedRow](), reflect.TypeFor[storedTransaction]()} {
		for _, field := range reflect.VisibleFields(of) {
			if _, ofKey := reflect.TypeFor[store.Key]().FieldByName(field.Name); ofKey {
				continue // which is the row's place
			}
			if name := field.Tag.Get("json"); name == "" && !field.Anonymous || strings.ToLower(name) != name {
				t.Errorf("%s.%s has the name %q in the file", of.Name(), field.Name, name)
			}
		}
	}
}

// FuzzRow: a row that was read is written with the same meaning, and an error shows nothing of the
// escrow.
func FuzzRow(f *testing.F) {
	for _, data := range []string{
		`{}`, `null`, `[]`, ``, `{"phase":"sending","attempt_id":"a","fence":9223372036854775807,"claimed_until":"2026-11-21T12:00:00.001Z"}`,
		`{"escrow":{"attempt_id":"a","bytes":"cGxhbnRlZA==","raw":true,"sent":"2026-11-21T12:00:00Z"},"spent":["x","y"],"paused":true}`,
		`{"refresh_at":"9999-12-31T23:59:59-01:00"}`, `{"login_failures":1.5}`, `{"escrow":{"bytes":"?"}}`, `{"PHASE":"idle","x":1}`,
	} {
		f.Add([]byte(data))
	}
	key := store.Key{Provider: "hesabe", Account: "default"}
	f.Fuzz(func(t *testing.T, data []byte) {
		row, err := decodeRow(key, data)
		if err != nil {
			_, err := decodeRow(key, marked(data, "bytes"))
			assert.Check(t, !plant.Shown(err), "the error shows the escrow: %v", err)
			return
		}
		written, err := encodeRow(row)
		assert.Assert(t, err == nil, "what could be read cannot be written: %v", err)
		again, err := decodeRow(key, written)
		if err != nil || again.Escrow != withMilliseconds(row.Escrow) || again.Fence != row.Fence || again.Key != key {
			t.Fatalf("%s is read as %+v, %v", written, again, err)
		}
		if rewritten, err := encodeRow(again); err != nil || !bytes.Equal(rewritten, written) {
			t.Errorf("%s, then %s, %v", written, rewritten, err)
		}
	})
}

func withMilliseconds(e store.Escrow) store.Escrow {
	e.Sent = milliseconds(e.Sent)
	return e
}

// FuzzTransaction: the same for transactions and their tokens.
func FuzzTransaction(f *testing.F) {
	for _, data := range []string{
		`{}`, `null`, `[]`, ``,
		`{"account":"default","refresh_token":"rt","access_token":"at","client_token":"ct","access_expires_at":"2026-11-21T12:00:00Z",` +
			`"customer_uid":"c","status":"active","recorded_at":"2026-11-21T12:00:00+03:00","refresh_at":"2026-11-21T12:00:00.5Z","failures":3}`,
		`{"status":"completed","refresh_at":"2026-11-21T12:00:00Z"}`, `{"expires_at":"9999-12-31T23:59:59-01:00"}`,
		`{"refresh_token":7}`, `{"access_token":"\ud800","failures":"x"}`,
	} {
		f.Add(int64(1234567890123), []byte(data))
	}
	f.Fuzz(func(t *testing.T, id int64, data []byte) {
		transaction, err := decodeTransaction(id, data)
		if err != nil {
			if _, err := decodeTransaction(id, marked(data, "refresh_token", "access_token", "client_token")); plant.Shown(err) {
				t.Errorf("the error shows a token: %v", err)
			}
			return
		}
		kept := normal(transaction)
		written, err := encodeTransaction(kept)
		assert.Assert(t, err == nil, "what could be read cannot be written: %v", err)
		if again, err := decodeTransaction(id, written); err != nil || again != kept {
			t.Errorf("%+v is written as %s and read as %+v, %v", kept, written, again, err)
		}
		if at, back := splitKey(timeKey(kept.RefreshAt, id)); back != id || !at.Equal(kept.RefreshAt) {
			t.Errorf("the index has transaction %d at %s, not %d at %s", back, at, id, kept.RefreshAt)
		}
	})
}

// marked puts the marker behind the texts in the named fields of a JSON object and of
// the objects in it.
func marked(data []byte, names ...string) []byte {
	var all map[string]json.RawMessage
	if json.Unmarshal(data, &all) != nil {
		return slices.Concat(data, []byte(plant.Marker))
	}
	for name, raw := range all {
		switch {
		case slices.Contains(names, name):
			all[name] = json.RawMessage(plant.Values(string(raw)))
		case bytes.HasPrefix(raw, []byte("{")):
			all[name] = marked(raw, names...)
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		return data
	}
	return text
}
