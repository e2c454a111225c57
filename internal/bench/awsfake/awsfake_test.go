package awsfake_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	smtypes "github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tokenrefresh/internal/bench/awsfake"
	"tokenrefresh/internal/bench/endpoint"
)

// The SDK is the judge: it must understand every answer, over TLS.
func serve(t *testing.T, handler http.Handler) (aws.Config, *endpoint.Endpoint) {
	t.Helper()
	ca, err := endpoint.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	e, err := endpoint.Start(t.Context(), ca, "AWS", handler)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca.PEM())
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	return aws.Config{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(e.URL()),
		HTTPClient:   &http.Client{Transport: transport},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
	}, e
}

const secretName = "token-refresh/hesabe/default/tokens"

func TestSecretsStageAndPromote(t *testing.T) {
	t.Parallel()
	store := awsfake.NewSecrets(secretName)
	cfg, e := serve(t, store)
	client := secretsmanager.NewFromConfig(cfg)
	ctx := t.Context()
	stage := func(id, value string) error {
		_, err := client.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{
			SecretId: aws.String(secretName), ClientRequestToken: aws.String(id), SecretString: aws.String(value),
			VersionStages: []string{"AWSPENDING"},
		})
		return err
	}
	promote := func(from, to string) error {
		_, err := client.UpdateSecretVersionStage(ctx, &secretsmanager.UpdateSecretVersionStageInput{
			SecretId: aws.String(secretName), VersionStage: aws.String("AWSCURRENT"),
			RemoveFromVersionId: aws.String(from), MoveToVersionId: aws.String(to),
		})
		return err
	}
	labels := func() map[string][]string {
		out, err := client.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: aws.String(secretName)})
		if err != nil {
			t.Fatal(err)
		}
		return out.VersionIdsToStages
	}
	first, second, third := "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002",
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
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if diff := cmp.Diff(step.want, labels()); diff != "" {
			t.Fatalf("%s (-want +got):\n%s", step.name, diff)
		}
	}

	out, err := client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String(secretName)})
	if err != nil || aws.ToString(out.SecretString) != "c" || aws.ToString(out.VersionId) != third {
		t.Errorf("current value %q of version %q, error %v; want c of the third", aws.ToString(out.SecretString),
			aws.ToString(out.VersionId), err)
	}
	var taken *smtypes.ResourceExistsException
	if err := stage(third, "other"); !errors.As(err, &taken) {
		t.Errorf("another value for a taken id: %v, want ResourceExistsException", err)
	}
	var moved *smtypes.InvalidParameterException
	if err := promote(first, second); !errors.As(err, &moved) {
		t.Errorf("promotion from a version that isn't current: %v, want InvalidParameterException", err)
	}
	if e.Connections() == 0 {
		t.Error("no connection was counted")
	}
}

func TestSecretsThatAreNotThere(t *testing.T) {
	t.Parallel()
	cfg, _ := serve(t, awsfake.NewSecrets(secretName))
	client := secretsmanager.NewFromConfig(cfg)
	for _, name := range []string{secretName, "absent"} { // without a value, and not at all
		_, err := client.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: aws.String(name)})
		var notFound *smtypes.ResourceNotFoundException
		if !errors.As(err, &notFound) {
			t.Errorf("%s: %v, want ResourceNotFoundException", name, err)
		}
	}
}

type attributes = map[string]types.AttributeValue

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func TestDynamoDBKeepsRows(t *testing.T) {
	t.Parallel()
	tables := awsfake.NewDynamoDB()
	tables.CreateTable("ledger", "provider", "account")
	cfg, e := serve(t, tables)
	client := dynamodb.NewFromConfig(cfg)
	ctx := t.Context()
	update := func(account, expression string, names map[string]string, v attributes) error {
		_, err := client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: aws.String("ledger"), Key: attributes{"provider": text("hesabe"), "account": text(account)},
			UpdateExpression: aws.String(expression), ExpressionAttributeNames: names, ExpressionAttributeValues: v,
		})
		return err
	}
	if err := errors.Join(
		update("b", "SET phase = :p", nil, attributes{":p": text("idle")}),
		update("a", "SET #p=:p, attempt_id = :a", map[string]string{"#p": "phase"}, attributes{":p": text("sending"), ":a": text("1")}),
		update("a", "SET fence = :f REMOVE #p", map[string]string{"#p": "phase"}, attributes{":f": text("2")}),
	); err != nil {
		t.Fatal(err)
	}
	out, err := client.Query(ctx, &dynamodb.QueryInput{
		TableName: aws.String("ledger"), KeyConditionExpression: aws.String("#k = :k"),
		ExpressionAttributeNames:  map[string]string{"#k": "provider"},
		ExpressionAttributeValues: attributes{":k": text("hesabe")},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []attributes{
		{"provider": text("hesabe"), "account": text("a"), "attempt_id": text("1"), "fence": text("2")},
		{"provider": text("hesabe"), "account": text("b"), "phase": text("idle")},
	}
	if diff := cmp.Diff(want, out.Items, cmpopts.IgnoreUnexported(types.AttributeValueMemberS{})); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	row, err := client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: aws.String("ledger"), Key: attributes{"provider": text("hesabe"), "account": text("none")},
	})
	if err != nil || row.Item != nil {
		t.Errorf("absent row %v, error %v; want none", row.Item, err)
	}
	if err := update("a", "SET fence = fence + :one", nil, attributes{":one": text("1")}); err == nil {
		t.Error("an expression that the fake doesn't understand was accepted")
	}
	if got := len(e.TakeCalls()); got < 6 {
		t.Errorf("%d calls counted, want at least 6", got)
	}
}
