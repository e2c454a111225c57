package awsreader

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"tokenrefresh/pkg/reader"
	"tokenrefresh/pkg/secret"
)

// SecretsAPI is what Secret needs of Secrets Manager's client.
type SecretsAPI interface {
	GetSecretValue(
		context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options),
	) (*secretsmanager.GetSecretValueOutput, error)
	DescribeSecret(
		context.Context, *secretsmanager.DescribeSecretInput, ...func(*secretsmanager.Options),
	) (*secretsmanager.DescribeSecretOutput, error)
}

var _ SecretsAPI = (*secretsmanager.Client)(nil)

type secretSource struct {
	api SecretsAPI
	id  string
}

// Secret is the source of an `access` secret, by its name, such as the stack's output HesabeAccess,
// or by its ARN. A read is one call, or two if there is no value yet.
func Secret(api SecretsAPI, id string) reader.Source { return secretSource{api, id} }

// String implements reader.Source.
func (s secretSource) String() string { return "secret " + s.id }

// Read implements reader.Source.
func (s secretSource) Read(ctx context.Context) (reader.Token, error) {
	out, err := s.api.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{
		SecretId: &s.id, VersionStage: aws.String("AWSCURRENT"),
	})
	switch {
	case is[*types.ResourceNotFoundException](err):
		return reader.Token{}, s.missing(ctx)
	case is[*types.DecryptionFailure](err):
		return reader.Token{}, fmt.Errorf("%w: its KMS key must be enabled: %w", reader.ErrDenied, err)
	case is[*types.InvalidRequestException](err):
		return reader.Token{}, fmt.Errorf("%w: it is scheduled for deletion: %w", reader.ErrNotFound, err)
	case err != nil:
		return reader.Token{}, failure("secretsmanager:GetSecretValue", err)
	}
	if out.SecretString == nil {
		return reader.Token{}, fmt.Errorf("%w: the secret is binary", reader.ErrMalformed)
	}
	return reader.ParseAccess(secret.New(*out.SecretString))
}

// missing distinguishes a secret without a value from one that does not exist: GetSecretValue
// returns the same error for both.
func (s secretSource) missing(ctx context.Context) error {
	_, err := s.api.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &s.id})
	switch {
	case is[*types.ResourceNotFoundException](err):
		return fmt.Errorf("%w: check name, region and account: %w", reader.ErrNotFound, err)
	case err != nil:
		return failure("secretsmanager:DescribeSecret", err)
	}
	return reader.ErrNotPublished
}
