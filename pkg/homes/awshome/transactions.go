package awshome

import (
	"context"
	"errors"
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

// TransactionsAPI is what Transactions needs of DynamoDB's client.
type TransactionsAPI interface {
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error)
}

var (
	_ TransactionsAPI        = (*dynamodb.Client)(nil)
	_ store.Transactions     = (*Transactions)(nil)
	_ store.DeadTransactions = (*Transactions)(nil)
)

// Transactions is a table with the partition key transaction_id and the index due.
// A row that can't be read is an error that names its table, key and attribute.
type Transactions struct {
	api   TransactionsAPI
	table string
	quick *quick // nil: there is none
}

// NewTransactions makes the store of transactions in that table.
func NewTransactions(api TransactionsAPI, table string) *Transactions {
	return &Transactions{api: api, table: table}
}

// Due implements store.Transactions: one Query, and more only where rows past their
// expiry, which DynamoDB deletes within days, or that can't be read take up the limit.
func (x *Transactions) Due(ctx context.Context, account string, shard, limit int, now time.Time) ([]store.Due, error) {
	in := &dynamodb.QueryInput{
		TableName:                &x.table,
		IndexName:                aws.String(dueIndex),
		KeyConditionExpression:   aws.String("#due_shard = :due_shard"),
		FilterExpression:         aws.String(living),
		ExpressionAttributeNames: map[string]string{"#due_shard": "due_shard", "#ttl": "ttl"},
		ExpressionAttributeValues: item{
			":due_shard": text(dueShard(account, shard)), ":now": number(now.Unix()), ":number": text("N"),
		},
	}
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
			if err := r.err(x.table, transactionName(entry.ID)); err != nil {
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
	out, err := x.api.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &x.table, Key: transactionKey(id), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return store.Transaction{}, false, x.failure("read", "GetItem", err)
	}
	if len(out.Item) == 0 {
		return store.Transaction{}, false, nil
	}
	t, err := decodeTransaction(x.table, out.Item)
	return t, err == nil, err
}

// Update implements store.Transactions with one UpdateItem. Where the answer to it
// was lost and the next attempt finds the row with what was to be written, it is
// done.
func (x *Transactions) Update(ctx context.Context, t store.Transaction, presented secret.String) error {
	written := encodeTransaction(t)
	expression, names, values := update(refreshedAttributes, written)
	values[":presented"] = text(presented.Reveal())
	in := &dynamodb.UpdateItemInput{
		TableName:                           &x.table,
		Key:                                 transactionKey(t.ID),
		UpdateExpression:                    &expression,
		ConditionExpression:                 aws.String("#refresh_token = :presented"),
		ExpressionAttributeNames:            names,
		ExpressionAttributeValues:           values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
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
	_, err := x.api.UpdateItem(ctx, in, countAttempts(&attempts))
	if err == nil {
		return nil
	}
	refused, ok := errors.AsType[*types.ConditionalCheckFailedException](err)
	if !ok {
		return x.failure("write", "UpdateItem", err)
	}
	if attempts > 1 && holds(refused.Item, refreshedAttributes, written) {
		return nil
	}
	return store.ErrChanged
}

// Put implements store.Transactions with one PutItem.
func (x *Transactions) Put(ctx context.Context, t store.Transaction, now time.Time) (recorded bool, err error) {
	row := encodeTransaction(t)
	in := &dynamodb.PutItemInput{
		TableName:                &x.table,
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

func (x *Transactions) failure(verb, action string, err error) error {
	return tableFailure(verb, action, x.table, store.ErrForbidden, err)
}
