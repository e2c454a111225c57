package awshome_test

import (
	"fmt"
	"strings"
	"testing"

	"tokenrefresh/pkg/homes/awshome"
)

const dayOld = `,"phase":{"S":"idle"},"attempt_id":{"S":"00000000-0000-4000-8000-%[1]012d"},"attempt_source":{"S":"refresh"},` +
	`"claimed_by":{"S":"00000000-0000-4000-8000-%[1]012d"},"claimed_until":{"S":"2026-03-01T12:01:29.999Z"},` +
	`"credentials_version_id":{"S":"00000000-0000-4000-8000-%[1]012d"},"version_id":{"S":"00000000-0000-4000-8000-%[1]012d"},` +
	`"published_version_id":{"S":"00000000-0000-4000-8000-%[1]012d"},"seen_version_id":{"S":"00000000-0000-4000-8000-%[1]012d"},` +
	`"base_version_id":{"S":"00000000-0000-4000-8000-%[1]012d"},"staged":{"S":"1772366400 1 5 5 5 5 5 5 5 5 5 5 5 5 5 5 5 5 5 5 5 5 5 5 5 5"},` +
	`"spent_short":{"S":"0123456789a0123456789a0123456789a0123456789a0123456789a0123456789a0123456789a0123456789a"},"state":{"S":"ok"},` +
	`"spent":{"L":[{"S":"0000000000000000000000000000000000000000000000000000000000000000"},{"S":"0000000000000000000000000000000000000000000000000000000000000001"}]},` +
	`"refresh_at":{"S":"2126-03-01T12:01:29.999Z"},"host":{"S":"merchantapi.hesabe.com"},"tick":{"N":"60"},"issued_at":{"S":"2026-03-01T12:01:29.999Z"},` +
	`"access_expires_at":{"S":"2126-03-01T12:01:29.999Z"},"last_success_at":{"S":"2026-03-01T12:01:29.999Z"},"last_outcome":{"S":"refreshed"}`

func BenchmarkRows(b *testing.B) {
	items := make([]string, 1000)
	for n := range items {
		items[n] = ledgerItem(fmt.Sprintf("merchant-%06d", n), fmt.Sprintf(dayOld, n))
	}
	s := &script{answers: map[string][]answer{"Query": {ok(`{"Items":[` + strings.Join(items, ",") + `]}`)}}}
	clients := s.clients()
	for name, ledger := range map[string]*awshome.Ledger{"quick": clients.Ledger("l"), "sdk": awshome.NewLedger(clients.DynamoDB, "l")} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if rows, err := ledger.Rows(b.Context(), "hesabe"); err != nil || len(rows) != 1000 {
					b.Fatal(err)
				}
			}
		})
	}
}
