package awshome

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tokenrefresh/pkg/store"
)

// LedgerAPI is what Ledger needs of DynamoDB's client.
type LedgerAPI interface {
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
}

var (
	_ LedgerAPI         = (*dynamodb.Client)(nil)
	_ store.Ledger      = (*Ledger)(nil)
	_ store.ShardClaims = (*Ledger)(nil)
)

// Ledger is a table with the partition key provider and the sort key account. A row
// that can't be read is an error that names its table, key and attribute.
type Ledger struct {
	api   LedgerAPI
	table string
	quick *quick // nil: there is none
}

// NewLedger makes the ledger in that table.
func NewLedger(api LedgerAPI, table string) *Ledger { return &Ledger{api: api, table: table} }

// Rows implements store.Ledger: one Query, and one more for each further megabyte.
func (l *Ledger) Rows(ctx context.Context, provider string) ([]store.Row, error) {
	rows, _, err := l.RowsAndShardClaims(ctx, provider)
	return rows, err
}

// RowsAndShardClaims implements store.ShardClaims with the same calls.
func (l *Ledger) RowsAndShardClaims(ctx context.Context, provider string) ([]store.Row, []store.ShardClaim, error) {
	in := &dynamodb.QueryInput{
		TableName:                 &l.table,
		ConsistentRead:            aws.Bool(true),
		KeyConditionExpression:    aws.String("#provider = :provider"),
		ExpressionAttributeNames:  map[string]string{"#provider": "provider"},
		ExpressionAttributeValues: item{":provider": text(provider)},
	}
	var rows []store.Row
	var claims []store.ShardClaim
	each := func(stored item) {
		if claim, ok := decodeClaim(l.table, stored); ok {
			claims = append(claims, claim)
			return
		}
		row, err := decodeRow(l.table, stored)
		if err != nil {
			row = store.Row{Key: row.Key, Unreadable: err}
		}
		rows = append(rows, row)
	}
	for {
		next, ok := item(nil), false
		if l.quick != nil {
			before, claimsBefore := len(rows), len(claims)
			if next, ok = l.quick.page(ctx, in, each); !ok {
				rows, claims = rows[:before], claims[:claimsBefore]
			}
		}
		if !ok {
			page, err := l.api.Query(ctx, in)
			if err != nil {
				return nil, nil, l.failure("read", "Query", err)
			}
			for _, stored := range page.Items {
				each(stored)
			}
			next = page.LastEvaluatedKey
		}
		if len(next) == 0 {
			return rows, claims, nil
		}
		in.ExclusiveStartKey = next
	}
}

// Row implements store.Ledger.
func (l *Ledger) Row(ctx context.Context, key store.Key) (store.Row, bool, error) {
	out, err := l.api.GetItem(ctx, &dynamodb.GetItemInput{TableName: &l.table, Key: rowKey(key), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return store.Row{}, false, l.failure("read", "GetItem", err)
	}
	if len(out.Item) == 0 {
		return store.Row{}, false, nil
	}
	row, err := decodeRow(l.table, out.Item)
	if err != nil {
		row = store.Row{Key: key, Unreadable: err}
	}
	return row, true, nil
}

// updateIf is one conditional UpdateItem. If the condition does not hold, refused has the
// stored item. attempts counts the requests that the SDK made.
func (l *Ledger) updateIf(
	ctx context.Context, key store.Key, expression, condition string, names map[string]string, values item,
) (refused *types.ConditionalCheckFailedException, attempts int, err error) {
	_, err = l.api.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                           &l.table,
		Key:                                 rowKey(key),
		UpdateExpression:                    &expression,
		ConditionExpression:                 &condition,
		ExpressionAttributeNames:            names,
		ExpressionAttributeValues:           values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}, countAttempts(&attempts))
	if err == nil {
		return nil, attempts, nil
	}
	if refused, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return refused, attempts, nil
	}
	return nil, attempts, l.failure("write", "UpdateItem", err)
}

// Write implements store.Ledger with one UpdateItem. Where the answer to it was
// lost and the SDK's next attempt finds the row as it was to become, it is done.
func (l *Ledger) Write(ctx context.Context, row store.Row, guard store.Guard) error {
	written := encodeRow(row)
	expression, names, values := update(rowAttributes, written)
	condition := "attribute_not_exists(#provider)"
	names["#provider"] = "provider"
	if !guard.Absent {
		condition = "attribute_exists(#provider) AND " + equal("fence", guard.Fence == 0)
		values[":guard_fence"] = number(guard.Fence)
		if guard.AttemptID != "" {
			condition += " AND #attempt_id = :guard_attempt_id"
			values[":guard_attempt_id"] = text(guard.AttemptID)
		}
		if guard.Phase != "" {
			condition += " AND " + equal("phase", guard.Phase == store.Idle)
			values[":guard_phase"] = text(string(guard.Phase))
		}
		switch {
		case !guard.SameEscrow:
		case guard.EscrowOf == "":
			condition += " AND attribute_not_exists(#escrow)"
		default:
			condition += " AND #escrow.#attempt_id = :guard_escrow_of"
			values[":guard_escrow_of"] = text(guard.EscrowOf)
		}
	}
	refused, attempts, err := l.updateIf(ctx, row.Key, expression, condition, names, values)
	if err != nil || refused == nil {
		return err
	}
	if len(refused.Item) == 0 {
		return &store.LostError{}
	}
	stored, err := decodeRow(l.table, refused.Item)
	if err != nil {
		return err
	}
	if attempts > 1 && holds(refused.Item, rowAttributes, written) {
		return nil
	}
	return &store.LostError{Current: stored, Exists: true}
}

// equal is the condition that an attribute has the guard's value. absent: or is missing, as in a
// row that a person has made to pause a credential.
func equal(name string, absent bool) string {
	condition := fmt.Sprintf("#%[1]s = :guard_%[1]s", name)
	if absent {
		condition = fmt.Sprintf("(%s OR attribute_not_exists(#%s))", condition, name)
	}
	return condition
}

// SetPaused implements store.Ledger with one UpdateItem.
func (l *Ledger) SetPaused(ctx context.Context, key store.Key, paused bool) error {
	_, err := l.api.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &l.table,
		Key:       rowKey(key),
		UpdateExpression: aws.String(
			"SET #paused = :paused, #phase = if_not_exists(#phase, :idle), #fence = if_not_exists(#fence, :zero)"),
		ExpressionAttributeNames: map[string]string{"#paused": "paused", "#phase": "phase", "#fence": "fence"},
		ExpressionAttributeValues: item{
			":paused": &types.AttributeValueMemberBOOL{Value: paused}, ":idle": text(string(store.Idle)), ":zero": number(0),
		},
	})
	if err != nil {
		return l.failure("write", "UpdateItem", err)
	}
	return nil
}

// SetTold implements store.Ledger with one UpdateItem.
func (l *Ledger) SetTold(ctx context.Context, key store.Key, told string) error {
	values := item{}
	values.putText("told", told)
	expression, names, parameters := update([]string{"told"}, values)
	names["#provider"] = "provider"
	if len(parameters) == 0 {
		parameters = nil // empty ones are refused
	}
	_, err := l.api.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &l.table, Key: rowKey(key), UpdateExpression: &expression,
		ConditionExpression:      aws.String("attribute_exists(#provider)"),
		ExpressionAttributeNames: names, ExpressionAttributeValues: parameters,
	})
	if _, gone := errors.AsType[*types.ConditionalCheckFailedException](err); err == nil || gone {
		return nil
	}
	return l.failure("write", "UpdateItem", err)
}

func (l *Ledger) failure(verb, action string, err error) error {
	return tableFailure(verb, action, l.table, store.ErrForbidden, err)
}
