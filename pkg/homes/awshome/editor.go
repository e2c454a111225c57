package awshome

import (
	"cmp"
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/google/uuid"

	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// Editor does to secrets and rows what people do. The functions have no permission for it.
type Editor struct {
	secrets *Secrets
	key     string
	ledger  *Ledger
}

// Editor edits the documents whose names begin with prefix, and the ledger in that table. It
// encrypts secrets that it creates with the KMS key of that id or ARN; empty: with the key
// that AWS manages.
func (c *Clients) Editor(prefix, ledger, kmsKey string) *Editor {
	return &Editor{secrets: c.Secrets(prefix), key: kmsKey, ledger: c.Ledger(ledger)}
}

// CreateSecret makes a secret without any version. One that exists stays as it is, its key
// included. store.ErrForbidden; store.ErrNoSecret if it is about to be deleted.
func (e *Editor) CreateSecret(ctx context.Context, key store.Key, doc store.Document) error {
	name := e.secrets.Name(key, doc)
	in := &secretsmanager.CreateSecretInput{
		Name: &name, ClientRequestToken: aws.String(uuid.NewString()),
		Description: aws.String(cmp.Or(descriptions[doc], string(doc))),
	}
	if e.key != "" {
		in.KmsKeyId = &e.key
	}
	_, err := e.secrets.api.CreateSecret(ctx, in)
	switch {
	case err == nil, is[*types.ResourceExistsException](err):
		return nil
	case is[*types.ResourceNotFoundException](err): // not the secret
		return e.secrets.failure("create", "CreateSecret", name, err)
	}
	return e.secrets.refusal(ctx, "create", "CreateSecret", name, err)
}

// descriptions show in the console what a secret is for, in the template's words.
var descriptions = map[store.Document]string{
	store.Credentials: "Written by people - the static credentials",
	store.TokensDoc:   "Written by the provider's function alone - the chain of refresh tokens",
	store.AccessDoc:   "Read by services - the access token alone",
}

// PutCurrent writes a value as a person does: it is a new version, current at once,
// whose id is returned. store.ErrNoSecret, store.ErrQuota, store.ErrForbidden.
func (e *Editor) PutCurrent(ctx context.Context, key store.Key, doc store.Document, value secret.String) (string, error) {
	name, id := e.secrets.Name(key, doc), uuid.NewString()
	_, err := e.secrets.api.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{
		SecretId: &name, ClientRequestToken: &id, SecretString: aws.String(value.Reveal()),
	})
	switch {
	case err == nil:
		return id, nil
	case is[*types.LimitExceededException](err):
		return "", fail([]error{store.ErrQuota, err},
			"the secret %q has all the versions that Secrets Manager keeps: try again in some hours", name)
	}
	return "", e.secrets.refusal(ctx, "write", "PutSecretValue", name, err)
}

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
	out, err := e.secrets.api.DeleteSecret(ctx, &secretsmanager.DeleteSecretInput{
		SecretId: &name, RecoveryWindowInDays: aws.Int64(int64(days)),
	})
	if err != nil {
		return time.Time{}, e.secrets.refusal(ctx, "delete", "DeleteSecret", name, err)
	}
	return aws.ToTime(out.DeletionDate), nil
}

// RemoveRow removes a row from the ledger, unless it was claimed since it was read. A row
// that is gone already is no error. *store.LostError, store.ErrForbidden.
func (e *Editor) RemoveRow(ctx context.Context, row store.Row) error {
	in := &dynamodb.DeleteItemInput{TableName: &e.ledger.name, Key: rowKey(row.Key)}
	if row.Unreadable == nil {
		in.ConditionExpression = aws.String("attribute_not_exists(#provider) OR " + equal("fence", row.Fence == 0))
		in.ExpressionAttributeNames = map[string]string{"#provider": "provider", "#fence": "fence"}
		in.ExpressionAttributeValues = item{":guard_fence": number(row.Fence)}
	}
	_, err := e.ledger.api.DeleteItem(ctx, in)
	switch {
	case is[*dynamotypes.ConditionalCheckFailedException](err):
		return &store.LostError{Exists: true}
	case err != nil:
		return e.ledger.failure("remove the row from", "DeleteItem", err)
	}
	return nil
}
