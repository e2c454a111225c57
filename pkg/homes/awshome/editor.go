package awshome

import (
	"cmp"
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/google/uuid"

	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// Editor does to secrets and rows what people do. The functions have no permission for it.
type Editor struct {
	secrets *Secrets
	client  *secretsmanager.Client
	key     string
	tables  *dynamodb.Client
	table   string // the ledger's
}

// Editor edits the documents whose names begin with prefix, and the ledger in that table. It
// encrypts secrets that it creates with the KMS key of that id or ARN; empty: with the key
// that AWS manages.
func (c *Clients) Editor(prefix, ledger, kmsKey string) *Editor {
	return &Editor{secrets: c.Secrets(prefix), client: c.SecretsManager, key: kmsKey, tables: c.DynamoDB, table: ledger}
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
	_, err := e.client.CreateSecret(ctx, in)
	switch {
	case err == nil, is[*types.ResourceExistsException](err):
		return nil
	case is[*types.InvalidRequestException](err):
		if err := e.secrets.whyRefused(ctx, name); err != nil {
			return err
		}
	}
	return e.secrets.failure("create", "CreateSecret", name, err)
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
	_, err := e.client.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{
		SecretId: &name, ClientRequestToken: &id, SecretString: aws.String(value.Reveal()),
	})
	switch {
	case err == nil:
		return id, nil
	case is[*types.LimitExceededException](err):
		return "", fail([]error{store.ErrQuota, err},
			"the secret %q has all the versions that Secrets Manager keeps: try again in some hours", name)
	case is[*types.ResourceNotFoundException](err), is[*types.InvalidRequestException](err):
		if err := e.secrets.whyRefused(ctx, name); err != nil {
			return "", err
		}
	}
	return "", e.secrets.failure("write", "PutSecretValue", name, err)
}
