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
	"tokenrefresh/pkg/store"
)

const (
	// maxBatch is the most rows that BatchGetItem reads.
	maxBatch = 100
	// unprocessedTries is how often keys are asked for that a call has left out, because DynamoDB
	// was too busy or had returned 16 MB; unprocessedWait is the wait before that, which doubles.
	// The SDK does not repeat them.
	unprocessedTries = 5
	unprocessedWait  = 50 * time.Millisecond
)

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
