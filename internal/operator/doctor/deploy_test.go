package doctor_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"tokenrefresh/internal/template"
)

// like reads a resource's properties into the input of the call that makes it: the names
// in CloudFormation are those of the API. Parameters are texts, so numbers may be too.
func like[T any](t *testing.T, properties template.Object, numbers ...string) *T {
	t.Helper()
	for _, name := range numbers {
		if text, isText := properties[name].(string); isText {
			n, err := strconv.Atoi(text)
			if err != nil {
				t.Fatal(err)
			}
			properties[name] = n
		}
	}
	text, err := json.Marshal(properties)
	if err != nil {
		t.Fatal(err)
	}
	input := new(T)
	if err := json.Unmarshal(text, input); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return input
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// deploy makes what the template has, as CloudFormation would.
func (w *world) deploy(stack *template.Stack) {
	w.t.Helper()
	ctx := w.t.Context()
	physical := map[string]string{}
	for _, id := range stack.Of("AWS::SNS::Topic") {
		topic, err := w.sns.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("stack-" + id)})
		w.must(err)
		physical[id] = *topic.TopicArn
		w.topic = *topic.TopicArn
	}
	for _, id := range stack.Of("AWS::SQS::Queue") {
		name := template.Get[string](stack.Resources[id].Properties, "QueueName")
		if name == "" {
			name = "stack-" + id + "-1A2B"
		}
		queue, err := w.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name})
		w.must(err)
		physical[id], physical[id+".QueueName"] = *queue.QueueUrl, name
		physical[id+".Arn"] = "arn:aws:sqs:eu-west-1:123456789012:" + name
	}
	for _, id := range stack.Of("AWS::DynamoDB::Table") {
		w.table(stack.Resources[id].Properties)
	}
	for _, id := range stack.Of("AWS::SecretsManager::Secret") {
		_, err := w.secrets.CreateSecret(ctx, like[secretsmanager.CreateSecretInput](w.t, stack.Resources[id].Properties))
		w.must(err)
	}
	for _, id := range stack.Of(template.Function) {
		w.function(stack, id, physical)
		physical[id] = template.Get[string](stack.Resources[id].Properties, "FunctionName")
	}
	for _, id := range stack.Of("AWS::CloudWatch::Alarm") {
		alarm := like[cloudwatch.PutMetricAlarmInput](w.t, stack.Resources[id].Properties, "Threshold", "Period", "EvaluationPeriods", "DatapointsToAlarm")
		for i, topic := range alarm.AlarmActions {
			alarm.AlarmActions[i] = physical[topic]
		}
		alarm.OKActions = alarm.AlarmActions
		for i, dimension := range alarm.Dimensions {
			if name := physical[*dimension.Value]; name != "" {
				alarm.Dimensions[i].Value = &name
			}
		}
		_, err := w.watch.PutMetricAlarm(ctx, alarm)
		w.must(err)
	}
	for _, id := range stack.Of("AWS::CloudWatch::Dashboard") {
		name := template.Get[string](stack.Resources[id].Properties, "DashboardName")
		_, err := w.watch.PutDashboard(ctx, &cloudwatch.PutDashboardInput{DashboardName: &name, DashboardBody: aws.String("{}")})
		w.must(err)
	}
	for _, id := range stack.Of("AWS::Lambda::EventSourceMapping") {
		p := stack.Resources[id].Properties
		_, err := w.lambda.CreateEventSourceMapping(ctx, &lambda.CreateEventSourceMappingInput{
			FunctionName:   aws.String(physical[template.Get[string](p, "FunctionName")]),
			EventSourceArn: aws.String(physical[template.Get[string](p, "EventSourceArn")]),
		})
		w.must(err)
	}
}

func (w *world) table(properties template.Object) {
	w.t.Helper()
	ctx := w.t.Context()
	table := like[dynamodb.CreateTableInput](w.t, properties)
	_, err := w.tables.CreateTable(ctx, table)
	w.must(err)
	ttl := template.Get[template.Object](properties, "TimeToLiveSpecification")
	if ttl != nil {
		_, err = w.tables.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{
			TableName: table.TableName, TimeToLiveSpecification: like[dynamotypes.TimeToLiveSpecification](w.t, ttl),
		})
		w.must(err)
	}
	_, err = w.tables.UpdateContinuousBackups(ctx, &dynamodb.UpdateContinuousBackupsInput{
		TableName: table.TableName, PointInTimeRecoverySpecification: like[dynamotypes.PointInTimeRecoverySpecification](w.t,
			template.Get[template.Object](properties, "PointInTimeRecoverySpecification")),
	})
	w.must(err)
}

func (w *world) function(stack *template.Stack, id string, physical map[string]string) {
	w.t.Helper()
	ctx := w.t.Context()
	p := stack.Resources[id].Properties
	environment := stack.Environment(id)
	for name, value := range environment {
		if url := physical[value]; url != "" {
			environment[name] = url
		}
	}
	role := aws.String("arn:aws:iam::123456789012:role/stack")
	made, err := w.lambda.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: aws.String(template.Get[string](p, "FunctionName")), Role: role, Runtime: lambdatypes.RuntimeProvidedal2023,
		Handler: aws.String("bootstrap"), Code: &lambdatypes.FunctionCode{ZipFile: zipped(w.t)},
		Timeout: aws.Int32(int32(template.Get[int](p, "Timeout"))), Environment: &lambdatypes.Environment{Variables: environment},
	})
	w.must(err)
	schedule := template.Get[template.Object](p, "Events", "Tick", "Properties")
	input := like[scheduler.CreateScheduleInput](w.t, schedule)
	input.Target = &schedulertypes.Target{
		Arn: made.FunctionArn, RoleArn: role, Input: aws.String(template.Get[string](schedule, "Input")),
		RetryPolicy:      like[schedulertypes.RetryPolicy](w.t, template.Get[template.Object](schedule, "RetryPolicy")),
		DeadLetterConfig: &schedulertypes.DeadLetterConfig{Arn: aws.String(physical["DeadLetters.Arn"])},
	}
	_, err = w.scheduler.CreateSchedule(ctx, input)
	w.must(err)
}

// role makes the role that moto wants a function to have. Its signature is not checked.
func (w *world) role(endpoint string) {
	w.t.Helper()
	form := url.Values{
		"Action": {"CreateRole"}, "Version": {"2010-05-08"}, "RoleName": {"stack"}, "AssumeRolePolicyDocument": {
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`,
		},
	}
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	w.must(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=testing/20261122/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=0")
	answer, err := http.DefaultClient.Do(r)
	w.must(err)
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		w.t.Fatalf("the role: %s", answer.Status)
	}
}

// zipped is a package of code that is never run.
func zipped(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	archive := zip.NewWriter(&b)
	if _, err := archive.Create("bootstrap"); err != nil {
		t.Fatal(err)
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
