package awshome

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

const (
	// dueIndex is sparse: only rows with due_shard and refresh_at are in it.
	dueIndex = "due"
	// maxPage limits the memory of a decoded page: a kilobyte for each entry, in all shards at
	// once.
	maxPage = 250
	// maxBatch is the most rows that BatchGetItem reads.
	maxBatch = 100
	// unprocessedTries is how often keys are asked for that a call has left out, because DynamoDB
	// was too busy or had returned 16 MB; unprocessedWait is the wait before that, which doubles.
	// The SDK does not repeat them.
	unprocessedTries = 5
	unprocessedWait  = 50 * time.Millisecond
)

var (
	_ store.Transactions     = (*Transactions)(nil)
	_ store.DeadTransactions = (*Transactions)(nil)
)

// Transactions is a table with the partition key transaction_id and the index due.
// A row that can't be read is an error that names its table, key and attribute.
type Transactions struct{ table }

// NewTransactions makes the store of transactions in that table.
func NewTransactions(api *dynamodb.Client, name string) *Transactions {
	return &Transactions{table{api: api, name: name}}
}

// ofIndex is a query for a partition of the index due, without rows past their expiry.
func (x *Transactions) ofIndex(partition string, now time.Time) *dynamodb.QueryInput {
	return &dynamodb.QueryInput{
		TableName:                 &x.name,
		IndexName:                 aws.String(dueIndex),
		KeyConditionExpression:    aws.String("#due_shard = :due_shard"),
		FilterExpression:          aws.String(living),
		ExpressionAttributeNames:  map[string]string{"#due_shard": "due_shard", "#ttl": "ttl"},
		ExpressionAttributeValues: item{":due_shard": text(partition), ":now": number(now.Unix()), ":number": text("N")},
		Limit:                     aws.Int32(maxPage),
	}
}

// Due implements store.Transactions: one Query, and more only where rows past their
// expiry, which DynamoDB deletes within days, or that can't be read take up the limit.
func (x *Transactions) Due(ctx context.Context, account string, shard, limit int, now time.Time) ([]store.Due, error) {
	in := x.ofIndex(dueShard(account, shard), now)
	var due []store.Due
	var unreadable error // of one entry: a person corrects one after the other
	for len(due) < limit {
		in.Limit = aws.Int32(int32(min(limit-len(due), maxPage))) //nolint:gosec // at most maxPage
		page, err := x.api.Query(ctx, in)
		if err != nil {
			return nil, x.failure("read the index "+dueIndex+" of", "Query", err)
		}
		for _, stored := range page.Items {
			r := reader{item: stored}
			entry := store.Due{
				ID: r.number("transaction_id"), RefreshAt: r.time("refresh_at"), AccessExpiresAt: r.time("access_expires_at"),
				Failures: int(r.number("failures")),
			}
			if err := r.err(x.name, transactionName(entry.ID)); err != nil {
				unreadable = err
				continue
			}
			due = append(due, entry)
		}
		if len(page.LastEvaluatedKey) == 0 {
			break
		}
		in.ExclusiveStartKey = page.LastEvaluatedKey
	}
	return due, unreadable
}

// Get implements store.Transactions.
func (x *Transactions) Get(ctx context.Context, id int64) (store.Transaction, bool, error) {
	stored, err := x.get(ctx, transactionKey(id))
	if len(stored) == 0 {
		return store.Transaction{}, false, err
	}
	t, err := decodeTransaction(x.name, stored)
	return t, err == nil, err
}

// Update implements store.Transactions with one UpdateItem.
func (x *Transactions) Update(ctx context.Context, t store.Transaction, presented secret.String) error {
	written := encodeTransaction(t)
	in := x.update(transactionKey(t.ID), refreshedAttributes, written, "#refresh_token = :presented")
	in.ExpressionAttributeValues[":presented"] = text(presented.Reveal())
	var attempts int
	if x.quick != nil {
		done, perhaps := x.quick.update(ctx, in)
		if done {
			return nil
		}
		if perhaps {
			attempts++
		}
	}
	refused, err := x.write(ctx, in, attempts, refreshedAttributes, written)
	if refused != nil {
		return store.ErrChanged
	}
	return err
}

// Put implements store.Transactions with one PutItem.
func (x *Transactions) Put(ctx context.Context, t store.Transaction, now time.Time) (recorded bool, err error) {
	row := encodeTransaction(t)
	in := &dynamodb.PutItemInput{
		TableName:                &x.name,
		Item:                     row,
		ConditionExpression:      aws.String("attribute_not_exists(#recorded_at) OR #recorded_at > :latest"),
		ExpressionAttributeNames: map[string]string{"#recorded_at": "recorded_at"},
	}
	values := item{}
	values.putTime(":latest", seconds, now.Add(store.MaxAhead))
	if at := row["recorded_at"]; at != nil {
		in.ConditionExpression = aws.String(*in.ConditionExpression + " OR #recorded_at <= :recorded_at")
		values[":recorded_at"] = at
	}
	in.ExpressionAttributeValues = values
	_, err = x.api.PutItem(ctx, in)
	switch {
	case is[*types.ConditionalCheckFailedException](err):
		return false, nil
	case err != nil:
		return false, x.failure("write", "PutItem", err)
	}
	return true, nil
}

// errUnprocessed is the error of rows that DynamoDB was too busy to read.
var errUnprocessed = errors.New("DynamoDB left keys unprocessed, as it does when the table is throttled")

// GetMany implements store.Transactions with one BatchGetItem for each 100 rows, and
// more for those that DynamoDB leaves unprocessed.
func (x *Transactions) GetMany(ctx context.Context, ids []int64) (map[int64]store.Read, error) {
	rows := make(map[int64]store.Read, len(ids))
	for batch := range slices.Chunk(slices.Compact(slices.Sorted(slices.Values(ids))), maxBatch) {
		if err := x.getBatch(ctx, batch, rows); err != nil {
			return rows, err
		}
	}
	return rows, nil
}

// getBatch reads rows. Each id must be in ids once, as BatchGetItem requires.
func (x *Transactions) getBatch(ctx context.Context, ids []int64, rows map[int64]store.Read) error {
	keys := make([]map[string]types.AttributeValue, len(ids))
	for i, id := range ids {
		keys[i] = transactionKey(id)
	}
	wait := unprocessedWait
	for try := 1; ; try++ {
		out, err := x.api.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
			RequestItems: map[string]types.KeysAndAttributes{x.name: {Keys: keys, ConsistentRead: aws.Bool(true)}},
		})
		if err != nil {
			return x.failure("read", "BatchGetItem", err)
		}
		for _, stored := range out.Responses[x.name] {
			t, err := decodeTransaction(x.name, stored)
			rows[t.ID] = store.Read{Transaction: t, Found: err == nil, Err: err}
		}
		if keys = out.UnprocessedKeys[x.name].Keys; len(keys) == 0 {
			break
		}
		if try == unprocessedTries || !pace.Sleep(ctx, wait) {
			return fail([]error{errUnprocessed}, "read %d rows of the table %q: %v", len(keys), x.name, errUnprocessed)
		}
		wait *= 2
	}
	for _, id := range ids {
		if _, found := rows[id]; !found {
			rows[id] = store.Read{}
		}
	}
	return nil
}
