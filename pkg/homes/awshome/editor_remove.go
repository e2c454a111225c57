package awshome

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	secrettypes "github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"tokenrefresh/pkg/store"
)

// stackTag is how CloudFormation marks what it has created.
const stackTag = "aws:cloudformation:stack-name"

// SecretOwner returns the stack that created a secret; empty: a person did.
// store.ErrNoSecret also for a secret that is scheduled for deletion.
func (e *Editor) SecretOwner(ctx context.Context, key store.Key, doc store.Document) (string, error) {
	described, err := e.secrets.describe(ctx, e.secrets.Name(key, doc))
	if err != nil {
		return "", err
	}
	for _, tag := range described.Tags {
		if aws.ToString(tag.Key) == stackTag {
			return aws.ToString(tag.Value), nil
		}
	}
	return "", nil
}

// RemoveSecret schedules a secret for deletion in so many days, 7 to 30, and returns when.
// Until then it can be restored. store.ErrNoSecret, store.ErrForbidden.
func (e *Editor) RemoveSecret(ctx context.Context, key store.Key, doc store.Document, days int) (time.Time, error) {
	name := e.secrets.Name(key, doc)
	out, err := e.client.DeleteSecret(ctx, &secretsmanager.DeleteSecretInput{
		SecretId: &name, RecoveryWindowInDays: aws.Int64(int64(days)),
	})
	switch {
	case err == nil:
		return aws.ToTime(out.DeletionDate), nil
	case is[*secrettypes.ResourceNotFoundException](err), is[*secrettypes.InvalidRequestException](err):
		if err := e.secrets.whyRefused(ctx, name); err != nil {
			return time.Time{}, err
		}
	}
	return time.Time{}, e.secrets.failure("delete", "DeleteSecret", name, err)
}

// RemoveRow removes a row from the ledger, unless it was claimed since it was read. A row
// that is gone already is no error. *store.LostError, store.ErrForbidden.
func (e *Editor) RemoveRow(ctx context.Context, row store.Row) error {
	in := &dynamodb.DeleteItemInput{
		TableName: &e.table, Key: rowKey(row.Key), ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	if row.Unreadable == nil {
		in.ConditionExpression = aws.String("attribute_not_exists(#provider) OR " + equal("fence", row.Fence == 0))
		in.ExpressionAttributeNames = map[string]string{"#provider": "provider", "#fence": "fence"}
		in.ExpressionAttributeValues = item{":guard_fence": number(row.Fence)}
	}
	_, err := e.tables.DeleteItem(ctx, in)
	if is[*types.ConditionalCheckFailedException](err) {
		return &store.LostError{Exists: true}
	}
	if err != nil {
		return tableFailure("remove the row from", "DeleteItem", e.table, store.ErrForbidden, err)
	}
	return nil
}
