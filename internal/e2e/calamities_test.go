package e2e_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"gotest.tools/v3/assert"

	"tokenrefresh/internal/sandbox"
	"tokenrefresh/pkg/store"
)

// calamity is what a drill plays.
type calamity struct {
	name        string
	provider    sandbox.Provider
	noLogin     bool              // the credentials have none
	environment map[string]string // of the function, where it differs
	// begin makes it begin, before the minute in which a refresh is due.
	begin func(t *testing.T, d *drill)
	// minute is what the schedule does in each minute of it; nil: a tick.
	minute func(t *testing.T, d *drill)
	alarm  string // that must be the first to ring
}

const always = 10_000 // calls

var calamities = []calamity{
	{
		name: "Hesabe cannot be reached", provider: sandbox.Hesabe, begin: unreachable, alarm: "breaks-soon",
	},
	{
		name: "Hesabe answers 500 to refresh and login", provider: sandbox.Hesabe, begin: answers(sandbox.Status(500)), alarm: "breaks-soon",
	},
	{
		name: "Hesabe wants no call for an hour (429)", provider: sandbox.Hesabe, begin: answers(sandbox.RateLimit("3600")), alarm: "breaks-soon",
	},
	{
		name: "The schedule is gone", provider: sandbox.Hesabe, minute: func(*testing.T, *drill) {}, alarm: "expiry",
	},
	{
		name: "TConnect cannot be reached", provider: sandbox.TConnect, begin: unreachable, alarm: "expiry",
	},
	{
		name: "TConnect gives no answer", provider: sandbox.TConnect, begin: answers(sandbox.Slow(time.Hour)),
		environment: map[string]string{"HTTP_TIMEOUT": "1s"}, alarm: "expiry",
	},
	{
		name: "Hesabe revokes the refresh token, and there is no login", provider: sandbox.Hesabe, noLogin: true,
		begin: func(t *testing.T, d *drill) { d.revoke(t) }, alarm: "dead-or-uncertain",
	},
	{
		name: "TConnect's reply is lost, and there is no login", provider: sandbox.TConnect, noLogin: true,
		begin: answers(sandbox.LoseReply()), alarm: "dead-or-uncertain",
	},
	{
		name: "The password is wrong when a login is needed", provider: sandbox.Hesabe, begin: func(t *testing.T, d *drill) {
			d.revoke(t)
			d.seed(t, map[string]any{"password": "not-the-password"})
		}, alarm: "misconfigured",
	},
	{
		name: "Somebody breaks the JSON of the credentials", provider: sandbox.TConnect,
		begin: func(t *testing.T, d *drill) { d.edit(t, "credentials", `{"username":`) }, alarm: "misconfigured",
	},
	{
		name: "The permission to read the secrets is gone", provider: sandbox.Hesabe,
		begin: befalls(denied, "GetSecretValue"), alarm: "misconfigured",
	},
	{
		name: "A secret is at its quota of versions", provider: sandbox.Hesabe,
		begin: befalls(overQuota, "PutSecretValue"), alarm: "persist-failed",
	},
	{
		name: "Refreshes are forced all day", provider: sandbox.Hesabe,
		begin:  func(t *testing.T, d *drill) { d.stageDaily(t, 140) },
		minute: func(t *testing.T, d *drill) { d.invoke(t, d.force()) }, alarm: "versions",
	},
	{
		name: "DynamoDB is down", provider: sandbox.Hesabe, begin: befalls(refused, "Query", "GetItem", "UpdateItem"), alarm: "errors",
	},
	{
		name: "The function dies at its first call to AWS", provider: sandbox.TConnect, begin: func(_ *testing.T, d *drill) {
			d.f.wire.expectAll(func(call) mishap { return unsent.mishap(d.f) })
		}, alarm: "errors",
	},
	{
		name: "Lambda refuses to start the function", provider: sandbox.Hesabe, minute: func(_ *testing.T, d *drill) {
			d.tell("AWS/Lambda", "Throttles", "FunctionName", d.logicalID, 1)
			if d.waits { // the last minute's event, which is given up after 60 s
				d.tell("AWS/Lambda", "AsyncEventsDropped", "FunctionName", d.logicalID, 1)
				d.letters++
			}
			d.waits = true
		}, alarm: "throttles",
	},
	{
		name: "A pause is forgotten", provider: sandbox.Hesabe, begin: func(t *testing.T, d *drill) { d.pause(t, true) }, alarm: "breaks-soon",
	},
	{
		name: "Berbix answers 500", provider: sandbox.Berbix, begin: answers(sandbox.Status(500)), alarm: "breaks-soon",
	},
	{
		name: "Berbix refuses a transaction's refresh token", provider: sandbox.Berbix,
		begin: func(_ *testing.T, d *drill) { d.sandbox.Revoke(sandbox.Berbix, d.transaction.RefreshToken) }, alarm: "dead-transactions",
	},
	{
		name: "Berbix refuses the API secret", provider: sandbox.Berbix,
		begin: func(t *testing.T, d *drill) { d.seed(t, map[string]any{"api_secret": "not-the-secret"}) }, alarm: "misconfigured",
	},
	{
		name: "The rows of transactions cannot be read", provider: sandbox.Berbix, begin: befalls(refused, "BatchGetItem"), alarm: "backlog",
	},
}

// unreachable: nobody listens where the provider was.
func unreachable(t *testing.T, d *drill) {
	t.Helper()
	edits := map[string]any{"base_url": "http://" + deadAddress}
	d.seed(t, edits)
}

// answers: each call to the provider ends so.
func answers(faults ...sandbox.Fault) func(t *testing.T, d *drill) {
	return func(t *testing.T, d *drill) {
		t.Helper()
		d.sandbox.Inject(d.provider, sandbox.Any, always, faults...)
	}
}

// befalls: each call of these operations of AWS ends so.
func befalls(m mishap, operations ...string) func(t *testing.T, d *drill) {
	return func(_ *testing.T, d *drill) {
		d.f.wire.expectAll(func(c call) mishap {
			if strings.Contains(strings.Join(operations, " "), c.operation) {
				return m
			}
			return nil
		})
	}
}

// denied: a permission is missing.
func denied(carry) *httptest.ResponseRecorder {
	return awsError(http.StatusBadRequest, "AccessDeniedException")
}

// overQuota: Secrets Manager takes no further version.
func overQuota(carry) *httptest.ResponseRecorder {
	return awsError(http.StatusBadRequest, "LimitExceededException")
}

// stageDaily makes the ledger remember n attempts of the last hours.
func (d *drill) stageDaily(t *testing.T, n int) {
	t.Helper()
	var all store.Tally
	for i := range n {
		all = all.Add(time.Now().Add(-time.Duration(n-i) * time.Minute))
	}
	_, err := d.aws.DynamoDB.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: aws.String(d.stack.Outputs["Ledger"]), Key: d.ledgerKey(), UpdateExpression: aws.String("SET staged = :all"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":all": &types.AttributeValueMemberS{Value: string(all)}},
	})
	assert.NilError(t, err)
}

// elapseTransaction is elapse for the row of a transaction.
func (d *drill) elapseTransaction(t *testing.T, id int64, by time.Duration) {
	t.Helper()
	row := d.credential.transaction(t, id)
	var set []string
	values := map[string]types.AttributeValue{}
	for i, name := range []string{"access_expires_at", "refresh_at", "recorded_at"} {
		if row[name] == "" {
			continue
		}
		at := row.at(t, name).Add(-by).UTC().Format("2006-01-02T15:04:05Z")
		values[fmt.Sprint(":", i)] = &types.AttributeValueMemberS{Value: at}
		set = append(set, fmt.Sprintf("%s = :%d", name, i))
	}
	_, err := d.aws.DynamoDB.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName:        aws.String(d.stack.Outputs["Transactions"]),
		Key:              map[string]types.AttributeValue{"transaction_id": &types.AttributeValueMemberN{Value: fmt.Sprint(id)}},
		UpdateExpression: aws.String("SET " + strings.Join(set, ", ")), ExpressionAttributeValues: values,
	})
	assert.NilError(t, err)
}
