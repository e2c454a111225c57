package e2e_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"gotest.tools/v3/assert"

	"tokenrefresh/internal/sandbox"
	"tokenrefresh/pkg/store"
)

// state is what there is to do with a row.
type state string

const (
	due       state = "due"
	fresh     state = "fresh"
	completed state = "completed"
	deleted   state = "deleted"
	dead      state = "dead"
	expired   state = "expired" // past its ttl, and DynamoDB has not deleted it yet
)

// item is a row as DynamoDB has it.
type item map[string]types.AttributeValue

func text(value string) types.AttributeValue { return &types.AttributeValueMemberS{Value: value} }
func number(value int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: fmt.Sprint(value)}
}

func ptr[T any](value T) *T { return &value }

// stamp is how the table writes a time.
func stamp(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05Z") }

// text is an attribute's text or number.
func (i item) text(name string) string {
	value, _ := asText(i[name])
	return value
}

// moment is a time in a row; zero where there is none.
func (i item) moment(name string) time.Time {
	at, _ := time.Parse(time.RFC3339, i.text(name))
	return at
}

// newItem is the row of a member in its state. What is due has been so for different times.
func (f *fleet) newItem(m *member) item {
	now := time.Now()
	id := strconv.FormatInt(m.ID, 10)
	i := item{
		"transaction_id": number(m.ID), "account": text(f.account), "customer_uid": text("customer"),
		"status": text("active"), "recorded_at": text(stamp(now.Add(-time.Hour))), "ttl": number(now.Add(30 * 24 * time.Hour).Unix()),
		"refresh_token": text(m.RefreshToken), "access_token": text("access-of-" + id), "client_token": text("client-of-" + id),
		"access_expires_at": text(stamp(now.Add(10 * time.Minute))),
	}
	indexed := func(at time.Time) {
		i["due_shard"] = text(f.account + "#" + strconv.Itoa(store.ShardOf(m.ID)))
		i["refresh_at"] = text(stamp(at))
	}
	spread := time.Duration(m.ID%600) * time.Second
	switch m.state {
	case due:
		indexed(now.Add(-time.Second - spread))
	case fresh:
		indexed(now.Add(20*time.Minute + spread))
	case completed:
		i["status"] = text("completed")
		delete(i, "refresh_token")
	case deleted:
		i["status"] = text("deleted")
		for _, name := range []string{"refresh_token", "access_token", "client_token", "access_expires_at"} {
			delete(i, name)
		}
	case dead:
		i["status"], i["failures"] = text("dead"), number(1)
	case expired:
		i["ttl"] = number(now.Add(-time.Hour).Unix())
		indexed(now.Add(-time.Hour - spread))
	}
	return i
}

// read reads the rows of members.
func (f *fleet) read(t *testing.T, members []*member) map[int64]item {
	t.Helper()
	const most = 100 // that a call reads
	table := f.stack.Outputs["Transactions"]
	rows := map[int64]item{}
	for batch := range slices.Chunk(members, most) {
		var keys []map[string]types.AttributeValue
		for _, m := range batch {
			keys = append(keys, map[string]types.AttributeValue{"transaction_id": number(m.ID)})
		}
		out, err := f.aws.DynamoDB.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{
			RequestItems: map[string]types.KeysAndAttributes{table: {Keys: keys}},
		})
		assert.Assert(t, err == nil && len(out.UnprocessedKeys) == 0,
			"%d keys were left out: %v", len(out.UnprocessedKeys), err)
		file(t, rows, out.Responses[table])
	}
	return rows
}

// scan reads the whole table.
func (f *fleet) scan(t *testing.T) map[int64]item {
	t.Helper()
	rows := map[int64]item{}
	in := &dynamodb.ScanInput{TableName: ptr(f.stack.Outputs["Transactions"])}
	for {
		out, err := f.aws.DynamoDB.Scan(t.Context(), in)
		assert.NilError(t, err)
		file(t, rows, out.Items)
		if in.ExclusiveStartKey = out.LastEvaluatedKey; len(in.ExclusiveStartKey) == 0 {
			return rows
		}
	}
}

// file files rows by their ids.
func file(t *testing.T, rows map[int64]item, items []map[string]types.AttributeValue) {
	t.Helper()
	for _, stored := range items {
		id, err := strconv.ParseInt(item(stored).text("transaction_id"), 10, 64)
		assert.NilError(t, err)
		rows[id] = stored
	}
}

// checkTable checks every row of the table, and how often each refresh token came.
func (f *fleet) checkTable(t *testing.T) {
	t.Helper()
	rows := f.scan(t)
	assert.Check(t, len(rows) == len(f.members), "the table has %d rows, want %d", len(rows), len(f.members))
	f.checkRows(t, f.members, rows)
	f.checkPresented(t)
}

// checkFresh checks rows that a sweep has refreshed.
func (f *fleet) checkFresh(t *testing.T, members []*member) {
	t.Helper()
	f.checkRows(t, members, f.read(t, members))
}

// checkRows checks that rows are as the test has stored them, or as a refresh leaves them.
func (f *fleet) checkRows(t *testing.T, members []*member, rows map[int64]item) {
	t.Helper()
	wrong := 0
	for _, m := range members {
		diff := ""
		if m.item != nil {
			diff = cmp.Diff(m.item, rows[m.ID], cmp.Comparer(sameAttribute))
		} else if err := f.checkRefreshed(m, rows[m.ID]); err != nil {
			diff = err.Error()
		}
		if diff == "" {
			continue
		}
		wrong++
		assert.Check(t, wrong > 3, "row %d, %s: %s", m.ID, m.state, diff)
	}
	assert.Check(t, wrong <= 3, "%d rows in all are not as they should be", wrong)
}

func sameAttribute(a, b types.AttributeValue) bool {
	one, ok := asText(a)
	other, alike := asText(b)
	return ok && alike && one == other && fmt.Sprintf("%T", a) == fmt.Sprintf("%T", b)
}

// checkRefreshed checks a row attribute by attribute.
func (f *fleet) checkRefreshed(m *member, row item) error {
	want := f.newItem(&member{Transaction: m.Transaction, state: fresh})
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(row))); diff != "" {
		return fmt.Errorf("attributes (-want +got):\n%s", diff)
	}
	for _, name := range []string{"transaction_id", "account", "customer_uid", "status", "refresh_token", "due_shard"} {
		if row.text(name) != want.text(name) {
			return fmt.Errorf("attribute %s has changed", name)
		}
	}
	now := time.Now()
	expires, again := row.moment("access_expires_at"), row.moment("refresh_at")
	switch {
	case !f.sandbox.Valid(sandbox.Berbix, row.text("access_token")):
		return fmt.Errorf("the provider would not accept the access token")
	case row.text("client_token") == want.text("client_token"):
		return fmt.Errorf("the client token is the old one")
	case expires.Before(now.Add(30*time.Minute)) || expires.After(now.Add(time.Hour)):
		return fmt.Errorf("the access token expires at %s", expires)
	case !again.After(now) || !again.Before(expires):
		return fmt.Errorf("it is due at %s, and expires at %s", again, expires)
	}
	return nil
}

// indexed counts the rows in the due index.
func (f *fleet) indexed(t *testing.T) int {
	t.Helper()
	n := 0
	for shard := range store.Shards {
		in := &dynamodb.QueryInput{
			TableName: ptr(f.stack.Outputs["Transactions"]), IndexName: ptr("due"), Select: types.SelectCount,
			KeyConditionExpression:    ptr("due_shard = :shard"),
			ExpressionAttributeValues: map[string]types.AttributeValue{":shard": text(f.account + "#" + strconv.Itoa(shard))},
		}
		for {
			out, err := f.aws.DynamoDB.Query(t.Context(), in)
			assert.NilError(t, err)
			n += int(out.Count)
			if in.ExclusiveStartKey = out.LastEvaluatedKey; len(in.ExclusiveStartKey) == 0 {
				break
			}
		}
	}
	return n
}
