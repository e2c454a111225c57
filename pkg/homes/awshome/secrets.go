package awshome

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// The staging labels, see "What's in a Secrets Manager secret?" in AWS's user guide.
const (
	labelCurrent = "AWSCURRENT"
	labelPending = "AWSPENDING"
)

var _ store.Secrets = (*Secrets)(nil)

// Secrets are the documents in Secrets Manager, one secret each. The id of a version
// is its VersionId, so ids must be 32 to 64 characters long; a UUID is.
type Secrets struct {
	api    *secretsmanager.Client
	prefix string

	mu     sync.Mutex
	staged map[string]string // secret → version that this process tried to stage last
}

// Name is the name of a document's secret.
func (s *Secrets) Name(key store.Key, doc store.Document) string {
	return s.prefix + "/" + key.Provider + "/" + key.Account + "/" + string(doc)
}

// Current implements store.Secrets with one call, two where there is no value.
func (s *Secrets) Current(ctx context.Context, key store.Key, doc store.Document) (store.Version, error) {
	v, _, err := s.get(ctx, s.Name(key, doc), "")
	return v, err
}

// ByID implements store.Secrets with one call, two where there is no such version.
func (s *Secrets) ByID(ctx context.Context, key store.Key, doc store.Document, id string) (store.Version, error) {
	v, _, err := s.get(ctx, s.Name(key, doc), id)
	return v, err
}

// CurrentID implements store.Secrets with one call that decrypts nothing. For the
// documents that we write it also is where native rotation (ErrRotation) and replicas
// (ErrReplica) are noticed.
func (s *Secrets) CurrentID(ctx context.Context, key store.Key, doc store.Document) (string, error) {
	name := s.Name(key, doc)
	described, err := s.describe(ctx, name)
	if err != nil {
		return "", err
	}
	if doc != store.Credentials {
		if aws.ToBool(described.RotationEnabled) {
			return "", fail([]error{ErrRotation, store.ErrForbidden},
				"native rotation is on for the secret %q, which only token-refresh may write: "+
					"turn it off with \"aws secretsmanager cancel-rotate-secret --secret-id %s\"", name, name)
		}
		if err := notReplica(described, name); err != nil {
			return "", err
		}
	}
	return currentID(described), nil
}

// notReplica fails if the secret is the replica of one in another region. A secret that has
// replicas names a primary region too: its own.
func notReplica(described *secretsmanager.DescribeSecretOutput, name string) error {
	primary := aws.ToString(described.PrimaryRegion)
	arn := strings.Split(aws.ToString(described.ARN), ":")
	if primary == "" || len(arn) < 4 || arn[3] == primary {
		return nil
	}
	return fail([]error{ErrReplica, store.ErrForbidden},
		"the secret %q is a replica in %s, which nobody can write: its primary is in %s: run the stack there, "+
			"or give this one secrets of its own (SecretPrefix)", name, arn[3], primary)
}

// get reads the version with that id; empty: the current one. Secrets Manager answers
// ResourceNotFound for a missing secret and for a missing version alike, so the secret is described
// to distinguish them.
func (s *Secrets) get(ctx context.Context, name, id string) (v store.Version, labels []string, err error) {
	in, none := &secretsmanager.GetSecretValueInput{SecretId: &name, VersionId: &id}, store.ErrNoVersion
	if id == "" {
		in.VersionId, in.VersionStage, none = nil, aws.String(labelCurrent), store.ErrNoValue
	}
	out, err := s.api.GetSecretValue(ctx, in)
	if err != nil {
		missing := is[*types.ResourceNotFoundException](err)
		if !missing && !is[*types.InvalidRequestException](err) {
			return v, nil, s.failure("read", "GetSecretValue", name, err)
		}
		described, describeErr := s.describe(ctx, name)
		switch {
		case describeErr != nil:
			return v, nil, describeErr
		case !missing, id == "" && currentID(described) != "": // the label moved between the two reads
			return v, nil, s.failure("read", "GetSecretValue", name, err)
		case id == "":
			if err := notReplica(described, name); err != nil { // it has to be written first, and cannot be
				return v, nil, err
			}
			return v, nil, fail([]error{none, err}, "the secret %q has no value yet", name)
		default:
			return v, nil, fail([]error{none, err}, "the secret %q has no version %s", name, id)
		}
	}
	if out.SecretString == nil {
		return v, nil, fail([]error{ErrBinary, store.ErrForbidden}, "the secret %q is binary: store it as text (SecretString)", name)
	}
	v = store.Version{ID: aws.ToString(out.VersionId), Value: secret.New(*out.SecretString)}
	if now, told := awsmiddleware.GetServerTime(out.ResultMetadata); told && out.CreatedDate != nil {
		v.Age = max(time.Millisecond, now.Sub(*out.CreatedDate)) // both to the second
	}
	return v, out.VersionStages, nil
}

// describe reads labels and metadata of a secret that exists and is not scheduled
// for deletion.
func (s *Secrets) describe(ctx context.Context, name string) (*secretsmanager.DescribeSecretOutput, error) {
	described, err := s.api.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &name})
	switch {
	case is[*types.ResourceNotFoundException](err):
		return nil, fail([]error{store.ErrNoSecret, err},
			"the secret %q does not exist: deploy the stack that makes it, or run \"aws secretsmanager create-secret --name %s\"",
			name, name)
	case err != nil:
		return nil, s.failure("describe", "DescribeSecret", name, err)
	case described.DeletedDate != nil:
		return nil, fail([]error{ErrDeleted, store.ErrNoSecret},
			"the secret %q is scheduled for deletion: bring it back with \"aws secretsmanager restore-secret --secret-id %s\"", name, name)
	}
	return described, nil
}

func currentID(described *secretsmanager.DescribeSecretOutput) string {
	for id, labels := range described.VersionIdsToStages {
		if slices.Contains(labels, labelCurrent) {
			return id
		}
	}
	return ""
}

// failure describes the errors that every call may have.
func (s *Secrets) failure(verb, action, name string, err error) error {
	switch {
	case is[*types.DecryptionFailure](err), is[*types.EncryptionFailure](err):
		return fail([]error{store.ErrForbidden, err},
			"%s the secret %q: its KMS key must be enabled, and the role needs kms:Decrypt and kms:GenerateDataKey on it: %s",
			verb, name, cause(err))
	case isDenied(err):
		return fail([]error{store.ErrForbidden, err},
			"%s the secret %q: the role needs secretsmanager:%s on it, and with a key of your own kms:Decrypt and kms:GenerateDataKey "+
				"(AWS may say the same of a secret that does not exist): %s", verb, name, action, cause(err))
	}
	causes := []error{err}
	if isThrottled(err) {
		causes = append(causes, store.ErrThrottled)
	}
	return fail(causes, "%s the secret %q: %s", verb, name, cause(err))
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
