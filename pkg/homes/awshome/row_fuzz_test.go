package awshome

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tokenrefresh/pkg/refresh"
)

// FuzzRow: whatever a table holds is read without a panic, and what was read
// without an error survives being written.
func FuzzRow(f *testing.F) {
	for kind, value := range []string{"sending", "7", "1.5", "2026-02-28T23:59:58.123Z", "2026-02-28T23:59:58+03:00", "\xff", "true"} {
		for attribute := range rowAttributes {
			f.Add(attribute, kind, value)
		}
	}
	f.Fuzz(func(t *testing.T, attribute, kind int, value string) {
		inner := item{"attempt_id": text(value), "bytes": &types.AttributeValueMemberB{Value: []byte(value)}, "sent": text(value)}
		kinds := []types.AttributeValue{
			nil, text(value), &types.AttributeValueMemberN{Value: value}, &types.AttributeValueMemberBOOL{Value: true},
			&types.AttributeValueMemberNULL{Value: true}, &types.AttributeValueMemberB{Value: []byte(value)},
			&types.AttributeValueMemberL{Value: []types.AttributeValue{text(value), nil}},
			&types.AttributeValueMemberL{Value: []types.AttributeValue{text(value)}},
			&types.AttributeValueMemberM{Value: inner}, &types.AttributeValueMemberM{Value: item{"raw": text(value)}},
		}
		stored := rowKey(refresh.Key{Provider: "hesabe", Account: "default"})
		stored[rowAttributes[uint(attribute)%uint(len(rowAttributes))]] = kinds[uint(kind)%uint(len(kinds))]
		row, err := decodeRow("ledger", stored)
		if err != nil {
			return
		}
		again := encodeRow(row)
		again["provider"], again["account"] = stored["provider"], stored["account"]
		reread, err := decodeRow("ledger", again)
		if err != nil {
			t.Fatal(err)
		}
		if !holds(encodeRow(reread), rowAttributes, encodeRow(row)) {
			t.Error("the row is another after a round trip")
		}
	})
}
