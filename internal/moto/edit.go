package moto

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// Edit gives a secret a new current value, as a person does, and returns the id of
// its version. It moves the label itself: after a label was moved, moto's own put
// leaves AWSCURRENT on two versions.
func (s *Server) Edit(ctx context.Context, secret, value string) (string, error) {
	s.process.oneAtATime.Lock()
	defer s.process.oneAtATime.Unlock()
	put, err := s.SecretsManager.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{
		SecretId: &secret, SecretString: &value, VersionStages: []string{NewName("edit")},
	})
	if err != nil {
		return "", err
	}
	if slices.Contains(put.VersionStages, "AWSCURRENT") { // the first version
		return *put.VersionId, nil
	}
	described, err := s.SecretsManager.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &secret})
	if err != nil {
		return "", err
	}
	var current string
	for id, labels := range described.VersionIdsToStages {
		if slices.Contains(labels, "AWSCURRENT") {
			current = id
		}
	}
	_, err = s.SecretsManager.UpdateSecretVersionStage(ctx, &secretsmanager.UpdateSecretVersionStageInput{
		SecretId: &secret, VersionStage: aws.String("AWSCURRENT"), MoveToVersionId: put.VersionId, RemoveFromVersionId: &current,
	})
	return *put.VersionId, err
}
