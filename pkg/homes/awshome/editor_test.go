package awshome_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/moto"
	"tokenrefresh/pkg/homes/awshome"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

func TestEditor(t *testing.T) {
	t.Parallel()
	server := moto.Start(t)
	clients, prefix := awshome.FromConfig(server.Config()), moto.NewName("editor")
	const kmsKey = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	editor := clients.Editor(prefix, "", kmsKey)
	_, err := editor.PutCurrent(t.Context(), key, store.Credentials, secret.New(planted))
	assert.Check(t, is.ErrorIs(err, store.ErrNoSecret))
	for range 2 { // the second finds what the first has made
		assert.NilError(t, editor.CreateSecret(t.Context(), key, store.Credentials))
	}
	name := clients.Secrets(prefix).Name(key, store.Credentials)
	made, err := server.SecretsManager.DescribeSecret(t.Context(), &secretsmanager.DescribeSecretInput{SecretId: &name})
	assert.NilError(t, err)
	if aws.ToString(made.KmsKeyId) != kmsKey || aws.ToString(made.Description) == "" || len(made.VersionIdsToStages) != 0 {
		t.Errorf("made %+v", made)
	}
	server.Calls()
	server.Play("PutSecretValue", moto.LoseReply) // the SDK sends it again, under the same id
	id, err := editor.PutCurrent(t.Context(), key, store.Credentials, secret.New(planted))
	assert.NilError(t, err)
	assert.Check(t, is.DeepEqual(server.Calls(), []string{"PutSecretValue", "PutSecretValue"}), "calls")
	v, err := clients.Secrets(prefix).Current(t.Context(), key, store.Credentials)
	assert.Check(t, err == nil && v.ID == id && v.Value == secret.New(planted), "current %s, put %s, %v", v.ID, id, err)
}

func TestEditorErrors(t *testing.T) {
	t.Parallel()
	deleted := ok(`{"DeletedDate":1770000000}`)
	for title, tt := range map[string]struct {
		answer, described answer
		want              error
	}{
		"denied":          {refusal("AccessDeniedException"), answer{}, store.ErrForbidden},
		"to be deleted":   {refusal("InvalidRequestException"), deleted, store.ErrNoSecret},
		"quoted":          {refusalSaying("ValidationException", planted), answer{}, nil},
		"at its quota":    {refusal("LimitExceededException"), answer{}, nil},
		"key is disabled": {refusal("EncryptionFailure"), answer{}, store.ErrForbidden},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			script := &script{t: t, answers: map[string][]answer{
				"CreateSecret": {tt.answer}, "PutSecretValue": {tt.answer}, "DescribeSecret": {tt.described},
			}}
			editor := script.clients().Editor("prefix", "", "")
			_, putErr := editor.PutCurrent(t.Context(), key, store.TokensDoc, secret.New(planted))
			for what, err := range map[string]error{"create": editor.CreateSecret(t.Context(), key, store.TokensDoc), "put": putErr} {
				if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
					t.Errorf("%s: error %v, want %v", what, err, tt.want)
				}
				if err != nil && (strings.Contains(err.Error(), planted) || !strings.Contains(err.Error(), "prefix/")) {
					t.Errorf("%s: %q", what, err)
				}
			}
		})
	}
}
