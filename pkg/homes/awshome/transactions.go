package awshome

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

const (
	// dueIndex is sparse: only rows with due_shard and refresh_at are in it.
	dueIndex = "due"
	// maxPage limits the memory of a decoded page: a kilobyte for each entry, in all shards at
	// once.
	maxPage = 250
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
