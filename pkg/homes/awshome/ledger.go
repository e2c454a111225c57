package awshome

import (
	"context"
	"fmt"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tokenrefresh/pkg/store"
)

var (
	_ store.Ledger      = (*Ledger)(nil)
	_ store.ShardClaims = (*Ledger)(nil)
)

// Ledger is a table with the partition key provider and the sort key account. A row
// that can't be read is an error that names its table, key and attribute.
type Ledger struct{ table }

// NewLedger makes the ledger in that table.
func NewLedger(api *dynamodb.Client, name string) *Ledger {
	return &Ledger{table{api: api, name: name}}
}

// Rows implements store.Ledger: one Query, and one more for each further megabyte.
func (l *Ledger) Rows(ctx context.Context, provider string) ([]store.Row, error) {
	rows, _, err := l.RowsAndShardClaims(ctx, provider)
	return rows, err
}

// RowsAndShardClaims implements store.ShardClaims with the same calls.
func (l *Ledger) RowsAndShardClaims(ctx context.Context, provider string) ([]store.Row, []store.ShardClaim, error) {
	in := &dynamodb.QueryInput{
		TableName:                 &l.name,
		ConsistentRead:            aws.Bool(true),
		KeyConditionExpression:    aws.String("#provider = :provider"),
		ExpressionAttributeNames:  map[string]string{"#provider": "provider"},
		ExpressionAttributeValues: item{":provider": text(provider)},
	}
	var rows []store.Row
	var claims []store.ShardClaim
	each := func(stored item) {
		if claim, ok := decodeClaim(l.name, stored); ok {
			claims = append(claims, claim)
			return
		}
		rows = append(rows, l.row(stored))
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
	stored, err := l.get(ctx, rowKey(key))
	if len(stored) == 0 {
		return store.Row{}, false, err
	}
	return l.row(stored), true, nil
}

// row is a stored row, or why it cannot be read.
func (l *Ledger) row(stored item) store.Row {
	row, err := decodeRow(l.name, stored)
	if err != nil {
		row = store.Row{Key: row.Key, Unreadable: err}
	}
	return row
}

// Write implements store.Ledger with one UpdateItem.
func (l *Ledger) Write(ctx context.Context, row store.Row, guard store.Guard) error {
	written := encodeRow(row)
	condition, guards := "attribute_not_exists(#provider)", item{}
	if !guard.Absent {
		condition = "attribute_exists(#provider) AND " + equal("fence", guard.Fence == 0)
		guards[":guard_fence"] = number(guard.Fence)
		if guard.AttemptID != "" {
			condition += " AND #attempt_id = :guard_attempt_id"
			guards[":guard_attempt_id"] = text(guard.AttemptID)
		}
		if guard.Phase != "" {
			condition += " AND " + equal("phase", guard.Phase == store.Idle)
			guards[":guard_phase"] = text(string(guard.Phase))
		}
		switch {
		case !guard.SameEscrow:
		case guard.EscrowOf == "":
			condition += " AND attribute_not_exists(#escrow)"
		default:
			condition += " AND #escrow.#attempt_id = :guard_escrow_of"
			guards[":guard_escrow_of"] = text(guard.EscrowOf)
		}
	}
	in := l.update(rowKey(row.Key), rowAttributes, written, condition)
	in.ExpressionAttributeNames["#provider"] = "provider"
	maps.Copy(in.ExpressionAttributeValues, guards)
	refused, err := l.write(ctx, in, 0, rowAttributes, written)
	if err != nil || refused == nil {
		return err
	}
	if len(refused.Item) == 0 {
		return &store.LostError{}
	}
	stored, err := decodeRow(l.name, refused.Item)
	if err != nil {
		return err
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
		TableName: &l.name,
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
	in := l.update(rowKey(key), []string{"told"}, values, "attribute_exists(#provider)")
	in.ExpressionAttributeNames["#provider"] = "provider"
	if len(in.ExpressionAttributeValues) == 0 {
		in.ExpressionAttributeValues = nil // empty ones are refused
	}
	_, err := l.write(ctx, in, 0, nil, nil)
	return err
}

// claimAttributes are the attributes that a claim writes. They are a row's, because older releases
// kept claims as rows: old and new code read each other's claims.
var claimAttributes = []string{"phase", "claimed_by", "fence", "claimed_until"}

// WriteShardClaim implements store.ShardClaims with one UpdateItem.
func (l *Ledger) WriteShardClaim(ctx context.Context, claim store.ShardClaim) error {
	written := item{"fence": number(claim.Fence)}
	written.putText("claimed_by", claim.Holder)
	written.putTime("claimed_until", milliseconds, claim.Until)
	written.putText("phase", string(store.Sending))
	if claim.Until.IsZero() {
		written.putText("phase", string(store.Idle))
	}
	key := rowKey(store.ShardKey(claim.Account, claim.Shard))
	in := l.update(key, claimAttributes, written, equal("fence", claim.Fence == 1))
	in.ExpressionAttributeValues[":guard_fence"] = number(claim.Fence - 1)
	refused, err := l.write(ctx, in, 0, claimAttributes, written)
	if err != nil || refused == nil {
		return err
	}
	stored, _ := decodeClaim(l.name, refused.Item)
	if stored.Unreadable != nil {
		return stored.Unreadable
	}
	return &store.ShardClaimLostError{Current: stored}
}

// decodeClaim reads the claim of a shard; ok is false for any other row.
func decodeClaim(table string, stored item) (claim store.ShardClaim, ok bool) {
	r := reader{item: stored}
	key := store.Key{Provider: r.text("provider"), Account: r.text("account")}
	if claim.Account, claim.Shard, ok = store.SplitShardKey(key); !ok {
		return store.ShardClaim{}, false
	}
	held := claim
	held.Holder = r.text("claimed_by")
	held.Fence = r.number("fence")
	if until := r.time("claimed_until"); store.Phase(r.text("phase")) == store.Sending {
		held.Until = until
	}
	if err := r.err(table, key.String()); err != nil {
		claim.Unreadable = err
		return claim, true
	}
	return held, true
}
