package fakeaws_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	smtypes "github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/authority"
	"tokenrefresh/internal/fakeaws"
	"tokenrefresh/internal/template"
	"tokenrefresh/pkg/homes/awshome"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// serve serves the template's state. The SDK judges every answer, over TLS.
func serve(t *testing.T) (*fakeaws.AWS, *fakeaws.Server, aws.Config) {
	t.Helper()
	loaded, err := template.Load("../../template.yaml")
	assert.NilError(t, err)
	stack, err := loaded.Stack(nil)
	assert.NilError(t, err)
	fake, err := fakeaws.New(stack)
	assert.NilError(t, err)
	ca, err := authority.New()
	assert.NilError(t, err)
	server, err := fakeaws.Serve(ca, fake)
	assert.NilError(t, err)
	t.Cleanup(server.Close)
	transport := server.Client().Transport.(*http.Transport)
	transport.TLSClientConfig.RootCAs = ca.Pool()
	return fake, server, aws.Config{
		Region: "us-east-1", BaseEndpoint: &server.URL, HTTPClient: server.Client(),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
	}
}

const secretName = "token-refresh/hesabe/default/tokens"

func TestSecrets(t *testing.T) {
	t.Parallel()
	fake, server, cfg := serve(t)
	client := secretsmanager.NewFromConfig(cfg)
	stage := func(id, value string) error {
		_, err := client.PutSecretValue(t.Context(), &secretsmanager.PutSecretValueInput{
			SecretId: aws.String(secretName), ClientRequestToken: &id, SecretString: &value, VersionStages: []string{"AWSPENDING"},
		})
		return err
	}
	promote := func(from, to string) error {
		_, err := client.UpdateSecretVersionStage(t.Context(), &secretsmanager.UpdateSecretVersionStageInput{
			SecretId: aws.String(secretName), VersionStage: aws.String("AWSCURRENT"), RemoveFromVersionId: &from, MoveToVersionId: &to,
		})
		return err
	}
	const first, second, third = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002",
		"00000000-0000-4000-8000-000000000003"
	for _, step := range []struct {
		name string
		do   func() error
		want map[string][]string
	}{
		{
			"a first version is current by itself", func() error { return stage(first, "a") },
			map[string][]string{first: {"AWSCURRENT", "AWSPENDING"}},
		},
		{
			"a second one is not", func() error { return stage(second, "b") },
			map[string][]string{first: {"AWSCURRENT"}, second: {"AWSPENDING"}},
		},
		{
			"until it is promoted", func() error { return promote(first, second) },
			map[string][]string{first: {"AWSPREVIOUS"}, second: {"AWSCURRENT", "AWSPENDING"}},
		},
		{
			"the same once more", func() error { return stage(second, "b") },
			map[string][]string{first: {"AWSPREVIOUS"}, second: {"AWSCURRENT", "AWSPENDING"}},
		},
		{
			"a third pushes the first out", func() error { return errors.Join(stage(third, "c"), promote(second, third)) },
			map[string][]string{second: {"AWSPREVIOUS"}, third: {"AWSCURRENT", "AWSPENDING"}},
		},
	} {
		err := step.do()
		out, described := client.DescribeSecret(t.Context(), &secretsmanager.DescribeSecretInput{SecretId: aws.String(secretName)})
		err = errors.Join(err, described)
		assert.Assert(t, err == nil, "%s: %v", step.name, err)
		assert.Assert(t, is.DeepEqual(out.VersionIdsToStages, step.want), "%s", step.name)
	}
	if err := stage(third, "other"); errorOf[*smtypes.ResourceExistsException](err) == nil {
		t.Errorf("another value for a taken id: %v, want ResourceExistsException", err)
	}
	if err := promote(first, second); errorOf[*smtypes.InvalidParameterException](err) == nil {
		t.Errorf("promotion from a version that isn't current: %v, want InvalidParameterException", err)
	}
	fake.PutSecret(secretName, "fourth", "d")
	for name, want := range map[string]string{
		secretName: "d", "token-refresh/hesabe/default/access": "", "absent": "",
	} {
		out, err := client.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: &name})
		if want == "" && errorOf[*smtypes.ResourceNotFoundException](err) == nil || want != "" && (err != nil || *out.SecretString != want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	if calls := server.TakeCalls(); server.Connections() == 0 || len(calls) == 0 || calls[0].Op != "PutSecretValue" {
		t.Errorf("%d connections and the calls %v were counted", server.Connections(), calls)
	}
}

func errorOf[E error](err error) error {
	found, ok := errors.AsType[E](err)
	if !ok {
		return nil
	}
	return found
}

// What the functions do to their tables, and what DynamoDB charges for it.
func TestTables(t *testing.T) {
	t.Parallel()
	fake, server, cfg := serve(t)
	api := dynamodb.NewFromConfig(cfg)
	rows, ledger := awshome.NewTransactions(api, "token-refresh-transactions"), awshome.NewLedger(api, "token-refresh-ledger")
	now := time.Now().UTC().Truncate(time.Second)
	const shard = 0
	var stored []store.Transaction
	for id := int64(1_234_567_890_123); len(stored) < 600; id++ {
		if store.ShardOf(id) == shard {
			stored = append(stored, store.Transaction{
				ID: id, Account: "default", RefreshToken: secret.New("rt"), Status: store.StatusActive,
				RefreshAt: now.Add(time.Duration(len(stored)) * time.Second), AccessExpiresAt: now.Add(time.Hour), ExpiresAt: now.Add(time.Hour),
			})
		}
	}
	charged := func(do func()) fakeaws.Units {
		before := fake.Units()
		do()
		after := fake.Units()
		return fakeaws.Units{Reads: after.Reads - before.Reads, Writes: after.Writes - before.Writes}
	}
	for _, step := range []struct {
		name string
		do   func()
		want fakeaws.Units
	}{
		{"rows are made, each with its entry in the index", func() {
			for _, one := range stored {
				assert.NilError(t, rows.Update(t.Context(), one, one.RefreshToken))
			}
		}, fakeaws.Units{Writes: 2 * 600}},
		{"entries of a shard are read eventually, in three pages and in order", func() {
			due, err := rows.Due(t.Context(), "default", shard, 1000, now)
			assert.Assert(t, err == nil && len(due) == len(stored), "%d rows, %v", len(due), err)
			for i, one := range due {
				assert.Assert(t, one.ID == stored[i].ID, "row %d is not in its place", i)
			}
		}, fakeaws.Units{Reads: 8.5}},
		{"seven rows are read consistently", func() {
			ids := []int64{7}
			for _, one := range stored[:7] {
				ids = append(ids, one.ID)
			}
			read, err := rows.GetMany(t.Context(), ids)
			if err != nil || read[7].Found || read[ids[1]].Transaction.RefreshToken.Reveal() != "rt" {
				t.Error(read, err)
			}
		}, fakeaws.Units{Reads: 7}},
		{"an update moves the row in the index", func() {
			one := stored[0]
			one.RefreshAt = now.Add(time.Hour)
			err := rows.Update(t.Context(), one, one.RefreshToken)
			due, found := rows.Due(t.Context(), "default", shard, 1, now)
			if err := errors.Join(err, found); err != nil || due[0].ID != stored[1].ID {
				t.Error(due, err)
			}
		}, fakeaws.Units{Reads: 0.5, Writes: 3}},
		{"a row of the ledger is written and read", func() {
			key := store.Key{Provider: "berbix", Account: "default"}
			assert.Check(t, ledger.Write(t.Context(), store.Row{Key: key}, store.Guard{Absent: true}))
			if rows, err := ledger.Rows(t.Context(), "berbix"); err != nil || len(rows) != 1 {
				t.Error(rows, err)
			}
		}, fakeaws.Units{Reads: 1, Writes: 1}},
	} {
		assert.Check(t, is.DeepEqual(charged(step.do), step.want), "%s", step.name)
	}
	if calls := server.TakeCalls(); calls[len(calls)-1].Op != "Query ledger" {
		t.Errorf("the last call is %q", calls[len(calls)-1].Op)
	}
	for name, in := range map[string]*dynamodb.UpdateItemInput{
		"an expression that is not understood": {
			TableName: aws.String("token-refresh-ledger"), UpdateExpression: aws.String("SET fence = fence + :one"),
			ExpressionAttributeValues: map[string]types.AttributeValue{":one": &types.AttributeValueMemberN{Value: "1"}},
			Key: map[string]types.AttributeValue{
				"provider": &types.AttributeValueMemberS{Value: "berbix"}, "account": &types.AttributeValueMemberS{Value: "default"},
			},
		},
		"no table": {TableName: aws.String("none"), UpdateExpression: aws.String("REMOVE a"), Key: map[string]types.AttributeValue{}},
	} {
		_, err := api.UpdateItem(t.Context(), in)
		assert.Check(t, err != nil, "%s: taken", name)
	}
}
