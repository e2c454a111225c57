package doctor_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/uuid"
	"gotest.tools/v3/assert"

	"tokenrefresh/internal/sandbox"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// The effects of breakages on a stack.

func nobody(context.Context) (aws.Credentials, error) {
	return aws.Credentials{}, errors.New("no profile, no role")
}

// closedPort is an address that refuses connections.
func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NilError(t, err)
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

func (w *world) backups(table string, on bool) {
	w.t.Helper()
	_, err := w.Tables.UpdateContinuousBackups(w.t.Context(), &dynamodb.UpdateContinuousBackupsInput{
		TableName:                        &table,
		PointInTimeRecoverySpecification: &dynamotypes.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: &on},
	})
	w.must(err)
}

// variable sets a variable of Hesabe's function.
func (w *world) variable(name, value string) {
	w.t.Helper()
	function, err := w.Lambda.GetFunctionConfiguration(w.t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: aws.String(hesabe)})
	w.must(err)
	function.Environment.Variables[name] = value
	_, err = w.Lambda.UpdateFunctionConfiguration(w.t.Context(), &lambda.UpdateFunctionConfigurationInput{
		FunctionName: aws.String(hesabe), Environment: &lambdatypes.Environment{Variables: function.Environment.Variables},
	})
	w.must(err)
}

func (w *world) timeout(seconds int32) {
	w.t.Helper()
	_, err := w.Lambda.UpdateFunctionConfiguration(w.t.Context(), &lambda.UpdateFunctionConfigurationInput{
		FunctionName: aws.String(hesabe), Timeout: &seconds,
	})
	w.must(err)
}

// faults makes the functions fail with that payload.
func (w *world) faults(payload string) {
	w.Front.Invoke = func(string) (string, bool) { return payload, true }
}

// scheduled changes Hesabe's schedule.
func scheduled(change func(*scheduler.UpdateScheduleInput)) func(*world) {
	return func(w *world) { w.schedule(change) }
}

// schedule changes Hesabe's schedule, from what the template makes of it.
func (w *world) schedule(change func(*scheduler.UpdateScheduleInput)) {
	w.t.Helper()
	now, err := w.Scheduler.GetSchedule(w.t.Context(), &scheduler.GetScheduleInput{Name: aws.String(hesabe)})
	w.must(err)
	if w.asDeployed == nil {
		w.asDeployed = &scheduler.UpdateScheduleInput{
			Name: now.Name, ScheduleExpression: now.ScheduleExpression, State: now.State, FlexibleTimeWindow: now.FlexibleTimeWindow, Target: now.Target,
		}
	}
	next, target := *w.asDeployed, *w.asDeployed.Target
	next.Target = &target
	change(&next)
	_, err = w.Scheduler.UpdateSchedule(w.t.Context(), &next)
	w.must(err)
}

// disabledKey is the ARN of a key that somebody has disabled.
func (w *world) disabledKey() string {
	w.t.Helper()
	keys := kms.NewFromConfig(w.stack.Config)
	key, err := keys.CreateKey(w.t.Context(), &kms.CreateKeyInput{})
	w.must(err)
	_, err = keys.DisableKey(w.t.Context(), &kms.DisableKeyInput{KeyId: key.KeyMetadata.KeyId})
	w.must(err)
	return *key.KeyMetadata.Arn
}

// credentials writes TConnect's.
func (w *world) credentials(text string) {
	w.t.Helper()
	_, err := w.home.Editor.PutCurrent(w.t.Context(), w.key("tconnect"), store.Credentials, secret.New(text))
	w.must(err)
}

// address makes TConnect's credentials name another address.
func (w *world) address(url string) {
	w.t.Helper()
	w.credentials(strings.ReplaceAll(w.boxes.Credentials(sandbox.TConnect), w.boxes.URL(sandbox.TConnect), url))
}

func (w *world) reseed() { w.credentials(w.boxes.Credentials(sandbox.TConnect)) }

// state writes a state into Hesabe's row, with the current secrets and an attempt that left
// nothing; empty: the row as before.
func (w *world) state(state store.State) {
	w.t.Helper()
	row, _, err := w.home.Ledger.Row(w.t.Context(), w.key("hesabe"))
	w.must(err)
	guard := store.Guard{Fence: row.Fence}
	if w.wasRow == nil {
		w.wasRow = &row
	}
	next := *w.wasRow
	if state != "" {
		next.State, next.AttemptID = state, uuid.NewString()
	}
	next.CredentialsVersionID, err = w.home.Secrets.CurrentID(w.t.Context(), w.key("hesabe"), store.Credentials)
	w.must(err)
	next.SeenVersionID, err = w.home.Secrets.CurrentID(w.t.Context(), w.key("hesabe"), store.TokensDoc)
	w.must(err)
	w.must(w.home.Ledger.Write(w.t.Context(), next, guard))
}

func (w *world) send(queue string) {
	w.t.Helper()
	_, err := w.SQS.SendMessage(w.t.Context(), &sqs.SendMessageInput{QueueUrl: w.queue(queue), MessageBody: aws.String("{}")})
	w.must(err)
}

func (w *world) purge(queue string) {
	w.t.Helper()
	_, err := w.SQS.PurgeQueue(w.t.Context(), &sqs.PurgeQueueInput{QueueUrl: w.queue(queue)})
	w.must(err)
}

func (w *world) queue(name string) *string {
	w.t.Helper()
	where, err := w.SQS.GetQueueUrl(w.t.Context(), &sqs.GetQueueUrlInput{QueueName: &name})
	w.must(err)
	return where.QueueUrl
}

func (w *world) ring(alarm string, state cwtypes.StateValue) {
	w.t.Helper()
	_, err := w.Watch.SetAlarmState(w.t.Context(), &cloudwatch.SetAlarmStateInput{
		AlarmName: &alarm, StateValue: state, StateReason: aws.String("one datapoint"),
	})
	w.must(err)
}
