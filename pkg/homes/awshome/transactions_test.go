package awshome_test

import (
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/moto"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

func transaction() store.Transaction {
	return store.Transaction{
		ID: 9_007_199_254_740_993, Account: "default", RefreshToken: secret.New("presented"), Status: store.StatusActive,
		RecordedAt: time.Unix(1_770_000_000, 0), RefreshAt: time.Unix(1_770_001_800, 0),
	}
}

// The first attempt's new refresh token makes the condition of the second fail.
func TestUpdateWhoseAnswerWasLost(t *testing.T) {
	t.Parallel()
	server, transactions, _ := transactionsOf(t)
	row := transaction()
	record(t, transactions, row)
	presented := row.RefreshToken
	row.RefreshToken, row.AccessToken = secret.New("rotated"), secret.New(planted)

	server.Calls()
	server.Play("UpdateItem", moto.LoseReply)
	assert.Check(t, transactions.Update(t.Context(), row, presented))
	assert.Check(t, is.DeepEqual(server.Calls(), []string{"UpdateItem", "UpdateItem"}), "calls")
	assert.Check(t, is.ErrorIs(transactions.Update(t.Context(), row, presented), store.ErrChanged))
	row.RefreshToken = secret.New("rotated by another")
	server.Play("UpdateItem", moto.Refuse)
	assert.Check(t, is.ErrorIs(transactions.Update(t.Context(), row, presented), store.ErrChanged))
}

func TestUnreadableTransaction(t *testing.T) {
	t.Parallel()
	server, transactions, table := transactionsOf(t)
	write(t, server, table, map[string]types.AttributeValue{
		"transaction_id": number("7"), "due_shard": text("default#0"),
		"refresh_at": text("0 " + planted), "failures": text(planted), // sorts before all times
	})
	// It is the first of its shard, and must not hide the next.
	good := transaction()
	for good.ID = 8; store.ShardOf(good.ID) != 0; good.ID++ {
	}
	record(t, transactions, good)
	_, _, getErr := transactions.Get(t.Context(), 7)
	many, err := transactions.GetMany(t.Context(), []int64{7, good.ID})
	if err != nil || !many[good.ID].Found || many[7].Found {
		t.Errorf("read beside it: %v, error %v", many[good.ID].Found, err)
	}
	due, dueErr := transactions.Due(t.Context(), "default", 0, 1, time.Now())
	assert.Check(t, len(due) == 1 && due[0].ID == good.ID, "due beside it: %v", due)
	for what, err := range map[string]error{"get": getErr, "get many": many[7].Err, "due": dueErr} {
		wantSays(t, what, err, table, "row 7", `"refresh_at" is not a time`)
	}
}

// A ttl that is not a number cannot be compared. Its row is still due, or nobody would ever see it.
func TestWrongTTLHidesNoRow(t *testing.T) {
	t.Parallel()
	server, transactions, table := transactionsOf(t)
	row := transaction()
	record(t, transactions, row)
	_, err := server.DynamoDB.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: &table, Key: map[string]types.AttributeValue{"transaction_id": number(strconv.FormatInt(row.ID, 10))},
		UpdateExpression: aws.String("SET #ttl = :text"), ExpressionAttributeNames: map[string]string{"#ttl": "ttl"},
		ExpressionAttributeValues: map[string]types.AttributeValue{":text": text("1999999999")},
	})
	assert.NilError(t, err)
	due, err := transactions.Due(t.Context(), row.Account, store.ShardOf(row.ID), 10, time.Now())
	assert.Check(t, err == nil && len(due) == 1, "due: %v, error %v", due, err)
	many, err := transactions.GetMany(t.Context(), []int64{row.ID})
	assert.NilError(t, err)
	wantSays(t, "read", many[row.ID].Err, `"ttl" is not a whole number`)
}

// Old and new code work on the same rows. A row of the last release has no refusal; a dead one has
// no time, and is found by a scan. A row that the last release marks dead after this one has
// counted refusals has no time either; attributes that it doesn't know survive.
func TestRowsOfTheLastRelease(t *testing.T) {
	t.Parallel()
	server, transactions, table := transactionsOf(t)
	put := func(id string, more map[string]types.AttributeValue) {
		t.Helper()
		row := map[string]types.AttributeValue{
			"transaction_id": number(id), "account": text("default"), "refresh_token": text("rt"), "customer_uid": text("c"),
			"recorded_at": text("2096-03-01T11:00:00Z"), "ttl": number("4000000000"), "failures": number("1"),
		}
		maps.Copy(row, more)
		write(t, server, table, row)
	}
	put("14", map[string]types.AttributeValue{
		"status": text("active"), "due_shard": text("default#0"), "refresh_at": text("2096-03-01T12:00:00Z"), "a_field_to_come": text("kept"),
	})
	put("24", map[string]types.AttributeValue{"status": text("dead")})

	row, _, err := transactions.Get(t.Context(), 14)
	if err != nil || row.Refusals != 0 || !row.RefusedAt.IsZero() || row.Failures != 1 || row.RefreshAt.IsZero() {
		t.Errorf("%+v, %v", row, err)
	}
	row.Refusals, row.RefusedAt = 1, time.Unix(4_000_000, 0).UTC()
	assert.NilError(t, transactions.Update(t.Context(), row, row.RefreshToken))
	_, err = server.DynamoDB.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{ // as the last release marks it dead
		TableName: &table, Key: map[string]types.AttributeValue{"transaction_id": number("14")},
		UpdateExpression:          aws.String("SET #s = :dead REMOVE due_shard, refresh_at"),
		ExpressionAttributeNames:  map[string]string{"#s": "status"},
		ExpressionAttributeValues: map[string]types.AttributeValue{":dead": text("dead")},
	})
	assert.NilError(t, err)
	var undated []int64
	for one, err := range transactions.DeadUndated(t.Context(), "default", time.Now()) {
		assert.NilError(t, err)
		undated = append(undated, one.ID)
	}
	slices.Sort(undated)
	assert.Check(t, slices.Equal(undated, []int64{14, 24}), "dead without a time: %v", undated)
	stored, err := server.DynamoDB.GetItem(t.Context(), &dynamodb.GetItemInput{
		TableName: &table, Key: map[string]types.AttributeValue{"transaction_id": number("14")},
	})
	assert.Check(t, err == nil && stored.Item["a_field_to_come"] != nil && stored.Item["customer_uid"] != nil,
		"%v, %v", slices.Sorted(maps.Keys(stored.Item)), err)
}
