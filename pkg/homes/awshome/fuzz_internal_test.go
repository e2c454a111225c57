package awshome

import (
	"bytes"
	"encoding/json"
	"maps"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"gotest.tools/v3/assert"

	"tokenrefresh/internal/plant"
	"tokenrefresh/pkg/store"
)

// attribute is an attribute of any kind that holds value.
func attribute(kind int, value string) types.AttributeValue {
	inner := item{"attempt_id": text(value), "bytes": &types.AttributeValueMemberB{Value: []byte(value)}, "sent": text(value)}
	kinds := []types.AttributeValue{
		nil, text(value), &types.AttributeValueMemberN{Value: value}, &types.AttributeValueMemberBOOL{Value: true},
		&types.AttributeValueMemberNULL{Value: true}, &types.AttributeValueMemberB{Value: []byte(value)},
		&types.AttributeValueMemberL{Value: []types.AttributeValue{text(value), nil}},
		&types.AttributeValueMemberL{Value: []types.AttributeValue{text(value)}},
		&types.AttributeValueMemberM{Value: inner}, &types.AttributeValueMemberM{Value: item{"raw": text(value)}},
	}
	return kinds[uint(kind)%uint(len(kinds))]
}

// addAttributes adds seeds: each attribute as text and as one of the other kinds.
func addAttributes(f *testing.F, names []string) {
	f.Helper()
	for name := range names {
		for kind, value := range []string{
			"sending", "active", "7", "1.5", "-9223372036854775808", "\xff", "2026-02-28T23:59:58.123Z", "2026-02-28T23:59:58+03:00",
			"9999-12-31T23:59:59-01:00", "0000-01-01T00:00:00+01:00",
		} {
			f.Add(name, 1, value)
			f.Add(name, kind, value)
		}
	}
}

// FuzzRow: any item is read without a panic, a row that was read without an error survives being
// written, and an error shows no value.
func FuzzRow(f *testing.F) {
	attributes := append([]string{"paused"}, rowAttributes...)
	addAttributes(f, attributes)
	f.Fuzz(func(t *testing.T, name, kind int, value string) {
		stored := rowKey(store.Key{Provider: "hesabe", Account: "default"})
		changed := attributes[uint(name)%uint(len(attributes))]
		stored[changed] = attribute(kind, value)
		row, err := decodeRow("ledger", stored)
		if err != nil {
			stored[changed] = attribute(kind, value+plant.Marker)
			if _, err := decodeRow("ledger", stored); plant.Shown(err) {
				t.Errorf("the error shows a value: %v", err)
			}
			return
		}
		again := encodeRow(row)
		maps.Copy(again, rowKey(row.Key))
		reread, err := decodeRow("ledger", again)
		assert.NilError(t, err)
		assert.Check(t, holds(encodeRow(reread), rowAttributes, encodeRow(row)),
			"the row is another after a round trip")
	})
}

// FuzzTransaction: the same for transactions.
func FuzzTransaction(f *testing.F) {
	names := []string{
		"transaction_id", "account", "refresh_token", "access_token", "client_token", "access_expires_at", "customer_uid",
		"status", "recorded_at", "refresh_at", "failures", "ttl",
	}
	addAttributes(f, names)
	f.Fuzz(func(t *testing.T, name, kind int, value string) {
		stored := item{
			"transaction_id": number(1234567890123), "account": text("default"), "refresh_token": text("rt"), "status": text("active"),
			"refresh_at": text("2026-02-28T23:59:58Z"), "recorded_at": text("2026-02-28T23:59:58Z"), "ttl": number(1800000000),
		}
		changed := names[uint(name)%uint(len(names))]
		stored[changed] = attribute(kind, value)
		transaction, err := decodeTransaction("transactions", stored)
		if err != nil {
			stored[changed] = attribute(kind, value+plant.Marker)
			if _, err := decodeTransaction("transactions", stored); plant.Shown(err) {
				t.Errorf("the error shows a value: %v", err)
			}
			return
		}
		again := encodeTransaction(transaction)
		reread, err := decodeTransaction("transactions", again)
		assert.NilError(t, err)
		assert.Check(t, holds(encodeTransaction(reread), append(names, "due_shard"), again),
			"the transaction is another after a round trip")
	})
}

// FuzzPage: a text that is read as a page is JSON, and the page holds what the JSON holds.
func FuzzPage(f *testing.F) {
	for _, text := range []string{
		`{}`, `{"Items":[]}`, `{"Items":[{"fence":{"N":"7"}}],"LastEvaluatedKey":{"account":{"S":"a"}}}`, `{"Items":[{},]}`, `[`,
		`{"Items":[{"spent":{"L":[{"S":"x"},{"N":"1"}]},"x":{"NULL":true},"escrow":{"M":{"raw":{"BOOL":true},"bytes":{"B":"eA=="}}}}]}`,
		`{"a":-1.5e3,"b":[1,{"c":null}],"Items":[{"host":{"S":"\u00e9\\\""}}]} `, `{"Items":[{"fence":{"N":7}}]}`, `{"Items":[{"fence":{}}]}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var rows []item
		next, ok := readPage(text, func(row item) { rows = append(rows, maps.Clone(row)) })
		if !ok || bytes.Count(text, []byte("Items")) > 1 || bytes.Count(text, []byte("Last")) > 1 {
			return // encoding/json takes the last of several
		}
		var page struct {
			Items            []map[string]json.RawMessage
			LastEvaluatedKey map[string]json.RawMessage
		}
		if err := json.Unmarshal(text, &page); err != nil {
			t.Fatalf("read, although %v", err)
		}
		assert.Check(t, len(rows) <= len(page.Items) && len(next) <= len(page.LastEvaluatedKey),
			"%d rows and %v are read", len(rows), next)
	})
}
