package awshome_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/pkg/homes/awshome"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// An update has the same JSON as the SDK's, also for odd texts.
func TestQuickUpdateSaysWhatTheSDKSays(t *testing.T) {
	t.Parallel()
	for name, token := range map[string]string{
		"usual":  strings.Repeat("a", 64),
		"quoted": `"\` + "\n\t\x7f",
		"odd":    "é☃\U0001F600<&>\u2028",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &script{t: t, answers: map[string][]answer{"UpdateItem": {ok("{}")}}}
			clients := s.clients()
			row := transaction()
			row.AccessToken, row.AccessExpiresAt, row.Failures = secret.New(token), time.Unix(1_770_003_600, 0), 2
			for _, transactions := range []*awshome.Transactions{
				clients.Transactions("table"), awshome.NewTransactions(clients.DynamoDB, "table"),
			} {
				assert.NilError(t, transactions.Update(t.Context(), row, secret.New(token)))
			}
			quick, usual := decoded(t, s.bodies[0]), decoded(t, s.bodies[1])
			delete(usual, "ReturnValuesOnConditionCheckFailure") // after a failed condition, the quick way lets the SDK report it
			assert.Check(t, is.DeepEqual(quick, usual), "the same update (-SDK +quick)")
		})
	}
}

func decoded(t *testing.T, body string) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal([]byte(body), &out); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return out
}

func TestUpdateAsksTheSDKAfterAnythingButSuccess(t *testing.T) {
	t.Parallel()
	row := transaction()
	row.AccessToken = secret.New("new")
	// held is the row with the update in it, as the refusal of a condition shows it.
	held := `{"__type":"ConditionalCheckFailedException","message":"said by AWS","Item":{"refresh_token":{"S":"presented"},` +
		`"access_token":{"S":"new"},"status":{"S":"active"},"due_shard":{"S":"` + dueShardOf(row.ID) + `"},` +
		`"refresh_at":{"S":"2026-02-02T03:10:00Z"}}}`
	refused := answer{status: http.StatusBadRequest, body: held}
	for name, tt := range map[string]struct {
		answers []answer
		calls   int
		want    error
	}{
		"done":                                {[]answer{ok("{}")}, 1, nil},
		"throttled once":                      {[]answer{refusal("ThrottlingException"), ok("{}")}, 2, nil},
		"no answer once":                      {[]answer{lost(), ok("{}")}, 2, nil},
		"in trouble once":                     {[]answer{{status: http.StatusServiceUnavailable, body: "{}"}, ok("{}")}, 2, nil},
		"throttled, and again":                {[]answer{refusal("ThrottlingException"), refusal("ThrottlingException"), ok("{}")}, 3, nil},
		"the row has changed":                 {[]answer{refused}, 2, store.ErrChanged},
		"done, and the answer lost":           {[]answer{lost(), refused}, 2, nil},
		"perhaps done, and in trouble":        {[]answer{{status: http.StatusInternalServerError, body: "{}"}, refused}, 2, nil},
		"not done, and done by another since": {[]answer{refusal("ThrottlingException"), refused}, 2, store.ErrChanged},
		"not allowed":                         {[]answer{refusal("AccessDeniedException")}, 2, store.ErrForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &script{t: t, answers: map[string][]answer{"UpdateItem": tt.answers}}
			err := s.clients().Transactions("table").Update(t.Context(), row, row.RefreshToken)
			assert.Check(t, errors.Is(err, tt.want), "error %v, want %v", err, tt.want)
			assert.Check(t, len(s.calls) == tt.calls, "%d calls, want %d", len(s.calls), tt.calls)
		})
	}
}

func dueShardOf(id int64) string { return fmt.Sprintf("default#%d", store.ShardOf(id)) }

// sealed checks a signature with the SDK's signer, from the request as it was sent.
type sealed struct{ t *testing.T }

func (s sealed) Do(r *http.Request) (*http.Response, error) {
	sent, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	assert.Check(s.t, err)
	again, err := http.NewRequestWithContext(r.Context(), r.Method, r.URL.String(), bytes.NewReader(sent))
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"Content-Type", "X-Amz-Target"} {
		again.Header.Set(name, r.Header.Get(name))
	}
	sum := sha256.Sum256(sent)
	err = v4.NewSigner().SignHTTP(r.Context(), credentials, again, hex.EncodeToString(sum[:]), "dynamodb", "eu-west-1", at)
	if err != nil {
		return nil, err
	}
	if got, want := r.Header.Get("Authorization"), again.Header.Get("Authorization"); got != want {
		s.t.Errorf("signed %q, want %q", got, want)
	}
	if got := r.Header.Get("X-Amz-Security-Token"); got != credentials.SessionToken {
		s.t.Errorf("session token %q, want %q", got, credentials.SessionToken)
	}
	if got, want := r.URL.String(), "https://dynamodb.eu-west-1.amazonaws.com/"; got != want {
		s.t.Errorf("sent to %s, want %s", got, want)
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}"))}, nil
}

// credentials have an id of their own: signers keep the keys that they derive by it.
var credentials = aws.Credentials{AccessKeyID: "quick", SecretAccessKey: "secret", SessionToken: "session"}

func TestQuickUpdateIsSigned(t *testing.T) {
	t.Parallel()
	clients := awshome.FromConfig(aws.Config{
		Region: "eu-west-1", HTTPClient: sealed{t},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return credentials, nil }),
	})
	row := transaction()
	assert.Check(t, clients.Transactions("table").Update(t.Context(), row, row.RefreshToken))
}
