package awsreader_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/moto"
	"tokenrefresh/internal/plant"
	"tokenrefresh/internal/template"
	"tokenrefresh/pkg/homes/awshome"
	"tokenrefresh/pkg/reader"
	"tokenrefresh/pkg/reader/awsreader"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// TestTransaction follows a row as the sweep writes it.
func TestTransaction(t *testing.T) {
	t.Parallel()
	server := moto.Start(t)
	table := server.CreateTransactions(t)
	client := dynamodb.NewFromConfig(server.Config())
	now := time.Now().UTC().Truncate(time.Second)
	row := store.Transaction{
		ID: 1<<40 + 1, Account: "default", RefreshToken: secret.New("rt"), Status: store.StatusActive, RecordedAt: now, RefreshAt: now,
	}
	put := func() {
		t.Helper()
		if recorded, err := awshome.NewTransactions(server.DynamoDB, table).Put(t.Context(), row, time.Now()); err != nil || !recorded {
			t.Fatalf("recorded %v, %v", recorded, err)
		}
	}
	source := awsreader.Transaction(client, table, row.ID)
	assert.Check(t, is.ErrorIs(errorOf(source.Read(t.Context())), reader.ErrNotFound))
	assert.Check(t, is.ErrorIs(errorOf(awsreader.Transaction(client, "none", row.ID).Read(t.Context())), reader.ErrNotFound))
	put()
	assert.Check(t, is.ErrorIs(errorOf(reader.NewTokenSource(source, reader.Options{}).Get(t.Context())), reader.ErrNotPublished))
	row.AccessToken, row.ClientToken = secret.New("at"), secret.New("ct")
	row.AccessExpiresAt, row.RefreshAt = now.Add(time.Hour), now.Add(48*time.Minute)
	put()
	got, err := source.Read(t.Context())
	want := reader.Token{
		AccessToken: row.AccessToken, ClientToken: row.ClientToken, ExpiresAt: row.AccessExpiresAt, RefreshAt: row.RefreshAt,
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for _, status := range []store.Status{store.StatusCompleted, store.StatusDeleted, store.StatusDead} {
		row.Status = status
		put()
		got, err := source.Read(t.Context())
		ended, ok := errors.AsType[*reader.EndedError](err)
		assert.Check(t, ok && ended.Status == string(status) && got == (reader.Token{}), "%s: %v, %v", status, got, err)
	}
	if calls := slices.Compact(server.Calls()); !slices.Equal(calls, []string{"GetItem"}) {
		t.Errorf("calls %v", calls)
	}
}

// The template's policy allows reads that name these attributes alone; moto checks no policy.
func TestRequestIsWithinThePolicy(t *testing.T) {
	t.Parallel()
	loaded, err := template.Load("../../../template.yaml")
	assert.NilError(t, err)
	stack, err := loaded.Stack(nil)
	assert.NilError(t, err)
	policy := template.Get[[]any](stack.Resources["BerbixAccessReader"].Properties, "PolicyDocument", "Statement")
	allowed := template.Get[[]any](policy[0].(template.Object), "Condition", "ForAllValues:StringEquals", "dynamodb:Attributes")

	s := &script{answers: map[string]string{"GetItem": `{}`}}
	_, _ = awsreader.Transaction(dynamodb.NewFromConfig(s.config()), "table", 7).Read(t.Context())
	var request struct {
		Key                      map[string]any
		ProjectionExpression     string
		ExpressionAttributeNames map[string]string
		ConsistentRead           bool
	}
	if err := json.Unmarshal([]byte(s.bodies[0]), &request); err != nil || !request.ConsistentRead {
		t.Fatalf("%v: %s", err, s.bodies)
	}
	named := 0
	for _, name := range strings.Split(request.ProjectionExpression, ", ") {
		if attribute := request.ExpressionAttributeNames[name]; attribute != "" && slices.Contains(allowed, any(attribute)) {
			named++
		} else {
			t.Errorf("%s (%s) is none of %v", name, attribute, allowed)
		}
	}
	for attribute := range request.Key { // counts as named
		assert.Check(t, slices.Contains(allowed, any(attribute)), "the key %s is none of %v", attribute, allowed)
	}
	if named < 5 {
		t.Errorf("only %d attributes: %s", named, s.bodies[0])
	}
}

func TestTransactionFailures(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]error{
		"AccessDeniedException": reader.ErrDenied, "UnrecognizedClientException": reader.ErrDenied,
		"ResourceNotFoundException": reader.ErrNotFound, "ProvisionedThroughputExceededException": nil, "InternalServerError": nil,
	} {
		s := &script{answers: map[string]string{"GetItem": code}}
		_, err := awsreader.Transaction(dynamodb.NewFromConfig(s.config()), "table", 7).Read(t.Context())
		checkFailure(t, err, want == nil, want)
	}
}

// rows is a table whose every row is this one.
type rows map[string]types.AttributeValue

func (r rows) GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	return &dynamodb.GetItemOutput{Item: r}, nil
}

// FuzzTransaction: a row gives its token, or an error that shows nothing of it.
func FuzzTransaction(f *testing.F) {
	f.Add("active", "at", "ct", "2026-11-21T22:15:00Z", "2026-11-21T22:12:00Z", false)
	f.Add("dead", "", "", "", "", false)
	f.Add("", "at", "", "tomorrow", "0000-01-01T00:00:00+23:59", true)
	f.Fuzz(func(t *testing.T, status, access, client, expiresAt, refreshAt string, number bool) {
		text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
		access, client = access+plant.Marker, client+plant.Marker
		row := rows{
			"status": text(status), "access_token": text(access), "client_token": text(client),
			"access_expires_at": text(expiresAt), "refresh_at": text(refreshAt),
		}
		if number {
			row["access_token"] = &types.AttributeValueMemberN{Value: plant.Marker}
			row["refresh_at"] = text(refreshAt + plant.Marker)
		}
		got, err := awsreader.Transaction(row, "table", 7).Read(t.Context())
		_, ended := errors.AsType[*reader.EndedError](err)
		switch {
		case plant.Shown(got, err):
			t.Errorf("%v, %v", got, err)
		case err == nil && (status != "active" || number ||
			got.AccessToken != secret.New(access) || got.ClientToken != secret.New(client)):
			t.Errorf("%q became %v", row, got)
		case err != nil && (got != (reader.Token{}) || !ended && !errors.Is(err, reader.ErrMalformed)):
			t.Errorf("%v, %v", got, err)
		}
	})
}
