package awshome

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"tokenrefresh/pkg/store"
)

// Stage implements store.Secrets with one call. After a failure that may have
// been a success it looks for the version and tries once more. AWS itself takes the
// same put twice; emulators overwrite a pending version then, and with it the
// label AWSCURRENT of a first one.
func (s *Secrets) Stage(ctx context.Context, key store.Key, doc store.Document, v store.Version) (current bool, err error) {
	name := s.Name(key, doc)
	if s.triedBefore(name, v.ID) {
		if current, err := s.find(ctx, name, v); err == nil || errors.Is(err, store.ErrVersionTaken) {
			return current, err
		}
	}
	current, stored, err := s.put(ctx, name, v)
	if err == nil || ctx.Err() != nil || !stored {
		return current, err
	}
	if current, err := s.find(ctx, name, v); err == nil || errors.Is(err, store.ErrVersionTaken) {
		return current, err
	}
	current, _, err = s.put(ctx, name, v)
	return current, err
}

// triedBefore notes a version and reports whether it was the last one noted. The
// last is enough: AWSPENDING has moved on from all earlier ones.
func (s *Secrets) triedBefore(name, id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.staged[name] == id
	s.staged[name] = id
	return before
}

// find looks for a version that may be stored already. ErrNoVersion; ErrVersionTaken if it has
// another value.
func (s *Secrets) find(ctx context.Context, name string, v store.Version) (current bool, err error) {
	stored, labels, err := s.get(ctx, name, v.ID)
	if err != nil {
		return false, err
	}
	if stored.Value != v.Value {
		return false, fail([]error{store.ErrVersionTaken}, "the secret %q has another value as version %s", name, v.ID)
	}
	return slices.Contains(labels, labelCurrent), nil
}

// put writes a version. If it fails, stored reports whether the version may still have been stored.
func (s *Secrets) put(ctx context.Context, name string, v store.Version) (current, stored bool, err error) {
	out, err := s.api.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{
		SecretId: &name, ClientRequestToken: &v.ID, SecretString: aws.String(v.Value.Reveal()), VersionStages: []string{labelPending},
	}, func(o *secretsmanager.Options) { o.Retryer = aws.NopRetryer{} }) // Stage looks before it tries again
	switch {
	case err == nil:
		return slices.Contains(out.VersionStages, labelCurrent), true, nil
	case is[*types.ResourceExistsException](err):
		return false, true, fail([]error{store.ErrVersionTaken, err}, "the secret %q has another value as version %s", name, v.ID)
	case is[*types.LimitExceededException](err):
		return false, false, fail([]error{store.ErrQuota, err},
			"the secret %q has all the versions that Secrets Manager keeps, and removes none that is younger than a day: "+
				"refresh less often", name)
	}
	return false, mayBeDone(err), s.refusal(ctx, "write", "PutSecretValue", name, err)
}

// refusal is the error of a write that failed with err. AWS refuses a secret in the same way that
// is missing, to be deleted or a replica, so the secret is described to distinguish them.
func (s *Secrets) refusal(ctx context.Context, verb, action, name string, err error) error {
	if is[*types.ResourceNotFoundException](err) || is[*types.InvalidRequestException](err) {
		described, err := s.describe(ctx, name)
		if err == nil {
			err = notReplica(described, name)
		}
		if err != nil {
			return err
		}
	}
	return s.failure(verb, action, name, err)
}

// errUndecided: the labels are as the refused Promote wanted them.
var errUndecided = errors.New("undecided")

// Promote implements store.Secrets with one call, which is a compare-and-swap; a
// refusal costs a second one to learn what is current.
func (s *Secrets) Promote(ctx context.Context, key store.Key, doc store.Document, from, to string) error {
	name := s.Name(key, doc)
	in := &secretsmanager.UpdateSecretVersionStageInput{
		SecretId: &name, VersionStage: aws.String(labelCurrent), MoveToVersionId: &to, RemoveFromVersionId: &from,
	}
	if from == "" {
		// Without a current version there is probably no version at all, so look first.
		if err := s.verdict(ctx, name, from, to); !errors.Is(err, errUndecided) {
			return err
		}
		in.RemoveFromVersionId = nil
	}
	_, err := s.api.UpdateSecretVersionStage(ctx, in)
	if err == nil {
		return nil
	}
	failure := s.failure("promote a version of", "UpdateSecretVersionStage", name, err)
	if ctx.Err() != nil || isDenied(err) {
		return failure
	}
	verdict := s.verdict(ctx, name, from, to)
	// Unless AWS has refused, labels that may be stale do not prove that somebody was faster.
	if errors.Is(verdict, errUndecided) || is[*store.MovedError](verdict) && !isRefused(err) {
		return failure
	}
	return verdict
}

// isRefused reports whether AWS has refused because of the labels: from is not current.
func isRefused(err error) bool {
	return is[*types.InvalidParameterException](err) || is[*types.InvalidRequestException](err) ||
		is[*types.ResourceNotFoundException](err)
}

// verdict returns, from the labels, why a Promote was or would be refused; nil if to is current. A
// description may be stale, and leaves out versions without labels.
func (s *Secrets) verdict(ctx context.Context, name, from, to string) error {
	described, err := s.describe(ctx, name)
	if err != nil {
		return err
	}
	current := currentID(described)
	if current == to {
		return nil
	}
	if _, labelled := described.VersionIdsToStages[to]; !labelled {
		if _, _, err := s.get(ctx, name, to); errors.Is(err, store.ErrNoVersion) {
			return err
		}
	}
	if current != from {
		return &store.MovedError{Current: current}
	}
	return errUndecided
}
