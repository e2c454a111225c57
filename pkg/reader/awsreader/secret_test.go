package awsreader_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/moto"
	"tokenrefresh/pkg/reader"
	"tokenrefresh/pkg/reader/awsreader"
	"tokenrefresh/pkg/secret"
)

const document = `{"access_expires_at":"2026-11-21T22:15:00Z","access_token":"at-1","attempt_id":"a",` +
	`"refresh_at":"2026-11-21T22:12:00Z","token_type":"Bearer"}`

var expires = time.Date(2026, 11, 21, 22, 15, 0, 0, time.UTC)

// TestSecret follows a secret from its deployment on.
func TestSecret(t *testing.T) {
	t.Parallel()
	server := moto.Start(t)
	prefix := moto.NewName("reader")
	name := prefix + "/hesabe/default/access"
	client := secretsmanager.NewFromConfig(server.Config())
	source := awsreader.Secret(client, name)
	want := func(want reader.Token, wantErr error, calls ...string) {
		t.Helper()
		got, err := source.Read(t.Context())
		assert.Check(t, errors.Is(err, wantErr), "error %v, want %v", err, wantErr)
		assert.Check(t, is.DeepEqual(got, want), "token")
		if got := server.Calls(); !slices.Equal(got, calls) {
			t.Errorf("calls %v, want %v", got, calls)
		}
	}
	edit := func(value string) {
		t.Helper()
		if _, err := server.Edit(t.Context(), name, value); err != nil {
			t.Fatal(err)
		}
	}
	want(reader.Token{}, reader.ErrNotFound, "GetSecretValue", "DescribeSecret")

	server.CreateSecrets(t, prefix, "hesabe", "default")
	want(reader.Token{}, reader.ErrNotPublished, "GetSecretValue", "DescribeSecret")

	edit(document)
	first := reader.Token{
		AccessToken: secret.New("at-1"), Type: "Bearer", ExpiresAt: expires, RefreshAt: expires.Add(-3 * time.Minute), AttemptID: "a",
	}
	want(first, nil, "GetSecretValue")

	described, err := server.SecretsManager.DescribeSecret(t.Context(), &secretsmanager.DescribeSecretInput{SecretId: &name})
	assert.NilError(t, err)
	source = awsreader.Secret(client, *described.ARN)
	edit(`{"access_token":"at-2","access_expires_at":"2026-11-21T22:15:00Z"}`)
	want(reader.Token{AccessToken: secret.New("at-2"), ExpiresAt: expires}, nil, "GetSecretValue")

	edit(`planted-secret`)
	want(reader.Token{}, reader.ErrMalformed, "GetSecretValue")
}

func TestSecretFailures(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name          string
		get, describe string
		want          error
		passing       bool
	}{
		{name: "denied", get: "AccessDeniedException", want: reader.ErrDenied},
		{name: "wrong keys", get: "UnrecognizedClientException", want: reader.ErrDenied},
		{name: "key is off", get: "DecryptionFailure", want: reader.ErrDenied},
		{name: "to be deleted", get: "InvalidRequestException", want: reader.ErrNotFound},
		{name: "throttled", get: "ThrottlingException", passing: true},
		{name: "trouble", get: "InternalServiceError", passing: true},
		{name: "binary", get: `{"SecretBinary":"AAAA"}`, want: reader.ErrMalformed},
		{name: "missing, and may not be described", get: "ResourceNotFoundException", describe: "AccessDeniedException", want: reader.ErrDenied},
		{name: "missing, and trouble", get: "ResourceNotFoundException", describe: "InternalServiceError", passing: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := &script{answers: map[string]string{"GetSecretValue": c.get, "DescribeSecret": c.describe}}
			_, err := awsreader.Secret(secretsmanager.NewFromConfig(s.config()), "name").Read(t.Context())
			checkFailure(t, err, c.passing, c.want)
		})
	}
}

// checkFailure checks that err is want, or none of the lasting errors.
func checkFailure(t *testing.T, err error, passing bool, want error) {
	t.Helper()
	lasting := []error{reader.ErrDenied, reader.ErrNotFound, reader.ErrNotPublished, reader.ErrMalformed}
	switch known := slices.ContainsFunc(lasting, func(e error) bool { return errors.Is(err, e) }); {
	case err == nil, passing && known, !passing && !errors.Is(err, want):
		t.Errorf("error %v", err)
	}
}
