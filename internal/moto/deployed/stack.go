// Package deployed gives tests the template's stack on an emulated AWS.
package deployed

import (
	"archive/zip"
	"bytes"
	"cmp"
	"net/http"
	"net/url"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwschemas "github.com/aws/aws-sdk-go-v2/service/cloudwatch/schemas"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go/transport/http/protocol/awsquery"

	"tokenrefresh/internal/emulate"
	"tokenrefresh/internal/moto"
	"tokenrefresh/internal/template"
)

// Stack is what CloudFormation makes of the template, with what IAM and Lambda do of it in
// Front. Its names are the template's own, so a test process has one alone.
type Stack struct {
	Front *moto.Server
	Topic string // of the alarms, its ARN

	Lambda    *lambda.Client // for what a test arranges, past the front
	Scheduler *scheduler.Client
	Watch     *cloudwatch.Client
	SNS       *sns.Client
	SQS       *sqs.Client
	Secrets   *secretsmanager.Client
	Tables    *dynamodb.Client

	name string
	t    testing.TB
}

// The stack's names, unless parameters give others.
const (
	Name         = "stack"
	Prefix       = "token-refresh" // of secrets and tables
	Ledger       = Prefix + "-ledger"
	Transactions = Prefix + "-transactions"
)

// Mail is who has subscribed to the alarms.
const Mail = "team@example.com"

// Start deploys the template in a file. parameters may have AWS's own, such as AWS::StackName.
func Start(t testing.TB, path string, parameters map[string]string) *Stack {
	t.Helper()
	return On(t, moto.Start(t), path, parameters)
}

// On is Start, on a server that may have other stacks.
func On(t testing.TB, server *moto.Server, path string, parameters map[string]string) *Stack {
	t.Helper()
	cfg := server.Direct
	d := &Stack{
		Front:  server,
		name:   cmp.Or(parameters["AWS::StackName"], Name),
		Lambda: lambda.NewFromConfig(cfg), Scheduler: scheduler.NewFromConfig(cfg),
		SNS: sns.NewFromConfig(cfg), SQS: sqs.NewFromConfig(cfg),
		Secrets: secretsmanager.NewFromConfig(cfg), Tables: dynamodb.NewFromConfig(cfg),
		Watch: cloudwatch.NewFromConfig(cfg, func(o *cloudwatch.Options) {
			o.Protocol = awsquery.New(cwschemas.GraniteServiceVersion20100801)
		}),
		t: t,
	}
	loaded, err := template.Load(path)
	d.must(err)
	stack, err := loaded.Stack(parameters)
	d.must(err)
	server.Call(t, http.MethodPost, "/", "iam", url.Values{ // the role that moto wants a function to have
		"Action": {"CreateRole"}, "Version": {"2010-05-08"}, "RoleName": {d.name}, "AssumeRolePolicyDocument": {
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},` +
				`"Action":"sts:AssumeRole"}]}`,
		},
	}.Encode())
	d.deploy(stack)
	_, err = d.SNS.Subscribe(t.Context(), &sns.SubscribeInput{
		TopicArn: &d.Topic, Protocol: aws.String("email"), Endpoint: aws.String(Mail),
	})
	d.must(err)
	return d
}

// Config is for the clients of what is tested.
func (d *Stack) Config() aws.Config { return d.Front.Config() }

func (d *Stack) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// deploy makes what the template has, as CloudFormation would.
func (d *Stack) deploy(stack *template.Stack) {
	d.t.Helper()
	ctx := d.t.Context()
	physical := map[string]string{}
	for _, id := range stack.Of("AWS::SNS::Topic") {
		topic, err := d.SNS.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String(d.name + "-" + id)})
		d.must(err)
		physical[id] = *topic.TopicArn
		d.Topic = *topic.TopicArn
	}
	for _, id := range stack.Of("AWS::SQS::Queue") {
		name := template.Get[string](stack.Resources[id].Properties, "QueueName")
		if name == "" {
			name = d.name + "-" + id + "-1A2B"
		}
		queue, err := d.SQS.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name})
		d.must(err)
		physical[id], physical[id+".QueueName"] = *queue.QueueUrl, name
		physical[id+".Arn"] = "arn:aws:sqs:eu-west-1:123456789012:" + name
	}
	tables, err := emulate.Tables(ctx, d.Tables, stack)
	d.must(err)
	d.must(emulate.Settings(ctx, d.Tables, stack, tables))
	d.must(emulate.Secrets(ctx, d.Secrets, stack))
	for _, id := range stack.Of(template.Function) {
		d.function(stack, id, physical)
		physical[id] = template.Get[string](stack.Resources[id].Properties, "FunctionName")
	}
	for _, id := range stack.Of("AWS::CloudWatch::Alarm") {
		alarm := like[cloudwatch.PutMetricAlarmInput](d.t, stack.Resources[id].Properties,
			"Threshold", "Period", "EvaluationPeriods", "DatapointsToAlarm")
		for i, topic := range alarm.AlarmActions {
			alarm.AlarmActions[i] = physical[topic]
		}
		alarm.OKActions = alarm.AlarmActions
		for i, dimension := range alarm.Dimensions {
			if name := physical[*dimension.Value]; name != "" {
				alarm.Dimensions[i].Value = &name
			}
		}
		_, err := d.Watch.PutMetricAlarm(ctx, alarm)
		d.must(err)
	}
	for _, id := range stack.Of("AWS::CloudWatch::Dashboard") {
		name := template.Get[string](stack.Resources[id].Properties, "DashboardName")
		_, err := d.Watch.PutDashboard(ctx, &cloudwatch.PutDashboardInput{DashboardName: &name, DashboardBody: aws.String("{}")})
		d.must(err)
	}
	for _, id := range stack.Of("AWS::Lambda::EventSourceMapping") {
		p := stack.Resources[id].Properties
		_, err := d.Lambda.CreateEventSourceMapping(ctx, &lambda.CreateEventSourceMappingInput{
			FunctionName:   aws.String(physical[template.Get[string](p, "FunctionName")]),
			EventSourceArn: aws.String(physical[template.Get[string](p, "EventSourceArn")]),
		})
		d.must(err)
	}
}

func (d *Stack) function(stack *template.Stack, id string, physical map[string]string) {
	d.t.Helper()
	ctx := d.t.Context()
	p := stack.Resources[id].Properties
	environment := stack.Environment(id)
	for name, value := range environment {
		if url := physical[value]; url != "" {
			environment[name] = url
		}
	}
	timeout, err := strconv.ParseInt(template.Get[string](p, "Timeout"), 10, 32) // a parameter
	d.must(err)
	role := aws.String("arn:aws:iam::123456789012:role/" + d.name)
	made, err := d.Lambda.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: aws.String(template.Get[string](p, "FunctionName")), Role: role, Runtime: lambdatypes.RuntimeProvidedal2023,
		Handler: aws.String("bootstrap"), Code: &lambdatypes.FunctionCode{ZipFile: zipped(d.t)},
		Timeout: aws.Int32(int32(timeout)), Environment: &lambdatypes.Environment{Variables: environment},
	})
	d.must(err)
	schedule := template.Get[template.Object](p, "Events", "Tick", "Properties")
	input := like[scheduler.CreateScheduleInput](d.t, schedule)
	input.Target = &schedulertypes.Target{
		Arn: made.FunctionArn, RoleArn: role, Input: aws.String(template.Get[string](schedule, "Input")),
		RetryPolicy:      like[schedulertypes.RetryPolicy](d.t, template.Get[template.Object](schedule, "RetryPolicy")),
		DeadLetterConfig: &schedulertypes.DeadLetterConfig{Arn: aws.String(physical["DeadLetters.Arn"])},
	}
	_, err = d.Scheduler.CreateSchedule(ctx, input)
	d.must(err)
}

// zipped is a package of code that is never run.
func zipped(t testing.TB) []byte {
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

// like is emulate.Input, which cannot fail for what the template holds.
func like[T any](t testing.TB, properties template.Object, numbers ...string) *T {
	t.Helper()
	input, err := emulate.Input[T](properties, numbers...)
	if err != nil {
		t.Fatal(err)
	}
	return input
}
