package awshome

import (
	"context"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"tokenrefresh/pkg/store"
)

// living keeps rows past their expiry out of an answer: DynamoDB takes days to delete them. A ttl
// that is not a number must not hide its row.
const living = "(attribute_not_exists(#ttl) OR NOT attribute_type(#ttl, :number) OR #ttl > :now)"

// Dead implements store.DeadTransactions with one Query for each page.
func (x *Transactions) Dead(
	ctx context.Context, account string, shard int, span store.Span, now time.Time,
) iter.Seq2[store.DeadEntry, error] {
	in := x.ofIndex(deadShard(account, shard), now)
	in.ScanIndexForward = aws.Bool(false)
	if !span.From.IsZero() || !span.Until.IsZero() {
		in.KeyConditionExpression = aws.String("#due_shard = :due_shard AND #refresh_at BETWEEN :from AND :until")
		in.ExpressionAttributeNames["#refresh_at"] = "refresh_at"
		in.ExpressionAttributeValues[":from"] = text(span.From.UTC().Format(seconds))
		in.ExpressionAttributeValues[":until"] = text("9999")
		if !span.Until.IsZero() {
			in.ExpressionAttributeValues[":until"] = text(span.Until.UTC().Format(seconds))
		}
	}
	return func(yield func(store.DeadEntry, error) bool) {
		if !span.Until.IsZero() && !span.From.Before(span.Until) {
			return // DynamoDB refuses BETWEEN with its ends the wrong way round
		}
		for pages := dynamodb.NewQueryPaginator(x.api, in); pages.HasMorePages(); {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(store.DeadEntry{}, x.failure("read the index "+dueIndex+" of", "Query", err))
				return
			}
			for _, stored := range page.Items {
				r := reader{item: stored}
				entry := store.DeadEntry{ID: r.number("transaction_id"), MarkedAt: r.time("refresh_at")}
				err := r.err(x.name, transactionName(entry.ID))
				if err == nil && !span.Contains(entry.MarkedAt) { // BETWEEN takes both ends in
					continue
				}
				if !yield(entry, err) {
					return
				}
			}
		}
	}
}

// DeadUndated implements store.DeadTransactions with a Scan of the whole table, a megabyte
// with each call.
func (x *Transactions) DeadUndated(ctx context.Context, account string, now time.Time) iter.Seq2[store.DeadEntry, error] {
	return func(yield func(store.DeadEntry, error) bool) {
		in := &dynamodb.ScanInput{
			TableName: &x.name,
			FilterExpression: aws.String(
				"#status = :dead AND #account = :account AND attribute_not_exists(#due_shard) AND " + living),
			ProjectionExpression: aws.String("transaction_id"),
			ExpressionAttributeNames: map[string]string{
				"#status": "status", "#account": "account", "#due_shard": "due_shard", "#ttl": "ttl",
			},
			ExpressionAttributeValues: item{
				":dead": text(string(store.StatusDead)), ":account": text(account),
				":now": number(now.Unix()), ":number": text("N"),
			},
		}
		for pages := dynamodb.NewScanPaginator(x.api, in); pages.HasMorePages(); {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(store.DeadEntry{}, x.failure("read", "Scan", err))
				return
			}
			for _, stored := range page.Items {
				r := reader{item: stored}
				if !yield(store.DeadEntry{ID: r.number("transaction_id")}, nil) { // the key: always a number
					return
				}
			}
		}
	}
}
