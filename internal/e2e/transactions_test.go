package e2e_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/sandbox"
)

// recordEvent is the event that records transactions for the credential. further
// are fields of each record.
func (c *credential) recordEvent(t *testing.T, further map[string]any, transactions ...sandbox.Transaction) string {
	t.Helper()
	var records []map[string]any
	for _, x := range transactions {
		record := map[string]any{"transaction_id": x.ID, "refresh_token": x.RefreshToken}
		maps.Copy(record, further)
		records = append(records, record)
	}
	text, err := json.Marshal(map[string]any{"account": c.account, "record": records})
	assert.NilError(t, err)
	return string(text)
}

// record records transactions.
func (c *credential) record(t *testing.T, f *function, transactions ...sandbox.Transaction) {
	t.Helper()
	f.wantCounts(t, c.recordEvent(t, nil, transactions...), map[string]int{"recorded": len(transactions)})
}

// transaction is a transaction's row; nil: there is none.
func (c *credential) transaction(t *testing.T, id int64) row {
	t.Helper()
	return c.stored(t, c.stack.Outputs["Transactions"], map[string]types.AttributeValue{
		"transaction_id": &types.AttributeValueMemberN{Value: strconv.FormatInt(id, 10)},
	})
}

// checkRow checks a row as a refresh leaves it, attribute by attribute.
func (c *credential) checkRow(t *testing.T, x sandbox.Transaction, customer string) {
	t.Helper()
	r := c.transaction(t, x.ID)
	want := []string{
		"access_expires_at", "access_token", "account", "client_token", "customer_uid", "due_shard", "failures",
		"recorded_at", "refresh_at", "refresh_token", "status", "transaction_id", "ttl",
	}
	for _, absent := range []string{"customer_uid", "failures"} {
		if _, ok := r[absent]; !ok { // it has nothing to say
			want = slices.DeleteFunc(want, func(name string) bool { return name == absent })
		}
	}
	assert.Assert(t, is.DeepEqual(slices.Sorted(maps.Keys(r)), want), "attributes")
	assert.Check(t, c.sandbox.Valid(sandbox.Berbix, r["access_token"]),
		"the provider would not accept the stored access token")
	assert.Check(t, r["refresh_token"] == x.RefreshToken, "the refresh token is not the one recorded")
	if r["client_token"] == "" || r["account"] != c.account || r["status"] != "active" || r["customer_uid"] != customer {
		t.Errorf("account %q, status %q, customer_uid %q", r["account"], r["status"], r["customer_uid"])
	}
	recorded, expires, refresh := r.at(t, "recorded_at"), r.at(t, "access_expires_at"), r.at(t, "refresh_at")
	assert.Check(t, !recorded.Before(began.Truncate(time.Second)) && refresh.After(recorded) && expires.After(refresh),
		"recorded %s, refresh at %s, expires %s", recorded, refresh, expires)
	left := time.Until(expires)
	assert.Check(t, left <= time.Hour && left >= 59*time.Minute, "access_expires_at leaves %s of an hour", left)
	if ttl, err := strconv.ParseInt(r["ttl"], 10, 64); err != nil || !time.Unix(ttl, 0).After(expires) {
		t.Errorf("ttl is %q", r["ttl"])
	}
}

// at is a moment in a transaction's row.
func (r row) at(t *testing.T, name string) time.Time {
	t.Helper()
	at, err := time.Parse("2006-01-02T15:04:05Z", r[name])
	assert.Assert(t, err == nil, "%s: %v", name, err)
	return at
}
