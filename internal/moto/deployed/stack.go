// Package deployed gives tests the template's stack on an emulated AWS, with what its
// CloudFormation passes over.
package deployed

import (
	"cmp"
	"path"
	"path/filepath"
	"strings"
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
	"gotest.tools/v3/assert"

	"tokenrefresh/internal/deploy"
	"tokenrefresh/internal/emulate"
	"tokenrefresh/internal/moto"
	"tokenrefresh/internal/template"
)

// Stack is the template's stack, with what IAM and Lambda do of it in Front. Its names are the
// template's own, so a test process has one alone.
type Stack struct {
	Front       *moto.Server
	Topic       string // of the alarms, its ARN
	DeadLetters string // the name of the queue

	Lambda    *lambda.Client // for what a test arranges, past the front
	Scheduler *scheduler.Client
	Watch     *cloudwatch.Client
	SNS       *sns.Client
	SQS       *sqs.Client
	Secrets   *secretsmanager.Client
	Tables    *dynamodb.Client

	stack *deploy.Stack
	t     testing.TB
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
func Start(t testing.TB, file string, parameters map[string]string) *Stack {
	t.Helper()
	return On(t, moto.Start(t), file, parameters)
}

// On is Start, on a server that may have other stacks.
func On(t testing.TB, server *moto.Server, file string, parameters map[string]string) *Stack {
	t.Helper()
	cfg := server.Direct
	d := &Stack{
		Front:  server,
		Lambda: lambda.NewFromConfig(cfg), Scheduler: scheduler.NewFromConfig(cfg),
		SNS: sns.NewFromConfig(cfg), SQS: sqs.NewFromConfig(cfg),
		Secrets: secretsmanager.NewFromConfig(cfg), Tables: dynamodb.NewFromConfig(cfg),
		Watch: cloudwatch.NewFromConfig(cfg, func(o *cloudwatch.Options) {
			o.Protocol = awsquery.New(cwschemas.GraniteServiceVersion20100801)
		}),
		stack: deploy.Named(t, server, filepath.Dir(file), cmp.Or(parameters["AWS::StackName"], Name), parameters),
		t:     t,
	}
	d.Topic, d.DeadLetters = d.stack.Outputs["Alarms"], path.Base(d.stack.Outputs["DeadLetters"])
	d.must(emulate.Settings(t.Context(), d.Tables, d.stack.Template, d.stack.Template.Of("AWS::DynamoDB::Table")))
	for _, id := range d.stack.Template.Of(template.Function) {
		d.function(id)
	}
	for _, id := range d.stack.Mappings(t) { // whose size is a text too
		_, err := d.Lambda.UpdateEventSourceMapping(t.Context(), &lambda.UpdateEventSourceMappingInput{
			UUID: &id, ScalingConfig: &lambdatypes.ScalingConfig{MaximumConcurrency: aws.Int32(2)},
		})
		d.must(err)
	}
	d.alarms()
	_, err := d.SNS.Subscribe(t.Context(), &sns.SubscribeInput{
		TopicArn: &d.Topic, Protocol: aws.String("email"), Endpoint: aws.String(Mail),
	})
	d.must(err)
	return d
}

// Config is for the clients of what is tested.
func (d *Stack) Config() aws.Config { return d.Front.Config() }

func (d *Stack) must(err error) {
	d.t.Helper()
	assert.NilError(d.t, err)
}

// function gives a function its schedule, and its settings as numbers: those of parameters are
// texts, which the SDK cannot read.
func (d *Stack) function(id string) {
	d.t.Helper()
	ctx, f := d.t.Context(), d.stack.Function(d.t, id)
	_, err := d.Lambda.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{
		FunctionName: &f.Name, MemorySize: aws.Int32(int32(f.MemoryMB)), Timeout: aws.Int32(int32(f.Timeout.Seconds())),
	})
	d.must(err)
	schedule := template.Get[template.Object](d.stack.Template.Resources[id].Properties, "Events", "Tick", "Properties")
	input := like[scheduler.CreateScheduleInput](d.t, schedule)
	input.Target = &schedulertypes.Target{
		Arn: aws.String(d.stack.Outputs[id]), RoleArn: aws.String("arn:aws:iam::123456789012:role/" + d.stack.Name),
		Input:       aws.String(template.Get[string](schedule, "Input")),
		RetryPolicy: like[schedulertypes.RetryPolicy](d.t, template.Get[template.Object](schedule, "RetryPolicy")),
		DeadLetterConfig: &schedulertypes.DeadLetterConfig{
			Arn: aws.String("arn:aws:sqs:eu-west-1:123456789012:" + d.DeadLetters),
		},
	}
	_, err = d.Scheduler.CreateSchedule(ctx, input)
	d.must(err)
}

func (d *Stack) alarms() {
	d.t.Helper()
	for _, id := range d.stack.Template.Of("AWS::CloudWatch::Alarm") {
		alarm := like[cloudwatch.PutMetricAlarmInput](d.t, d.stack.Template.Resources[id].Properties,
			"Threshold", "Period", "EvaluationPeriods", "DatapointsToAlarm")
		alarm.AlarmActions, alarm.OKActions = []string{d.Topic}, []string{d.Topic}
		for i, dimension := range alarm.Dimensions {
			id, isQueue := strings.CutSuffix(*dimension.Value, ".QueueName")
			p := d.stack.Template.Resources[id].Properties
			name := cmp.Or(template.Get[string](p, "FunctionName"), template.Get[string](p, "QueueName"))
			if isQueue {
				name = cmp.Or(name, d.DeadLetters)
			}
			if name != "" {
				alarm.Dimensions[i].Value = &name
			}
		}
		_, err := d.Watch.PutMetricAlarm(d.t.Context(), alarm)
		d.must(err)
	}
}

// like is emulate.Input, which cannot fail for what the template holds.
func like[T any](t testing.TB, properties template.Object, numbers ...string) *T {
	t.Helper()
	input, err := emulate.Input[T](properties, numbers...)
	assert.NilError(t, err)
	return input
}
