package acts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/uuid"

	"tokenrefresh/pkg/announce"
	"tokenrefresh/pkg/homes/awshome"
)

// busVariable is the variable that names a function's bus.
const busVariable = "EVENT_BUS"

// AWS records acts in the log of the provider's function, beside the runs, and on its bus.
type AWS struct {
	Config aws.Config
	// Function is the name of a provider's function.
	Function func(provider string) string
	// Providers are those whose logs get an act that names none.
	Providers []string
}

// Record implements Recorder. It asks the function for its log group and its bus, so that a
// stack's parameters are met.
func (a AWS) Record(ctx context.Context, act announce.Act) error {
	who, err := sts.NewFromConfig(a.Config).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return fmt.Errorf("who did it is not known: sts:GetCallerIdentity: %w", err)
	}
	act.By = aws.ToString(who.Arn)
	providers := []string{act.Provider}
	if act.Provider == "" {
		providers = a.Providers
	}
	var failures []error
	buses := map[string]bool{}
	for _, provider := range providers {
		name := a.Function(provider)
		function, err := lambda.NewFromConfig(a.Config).GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{
			FunctionName: &name,
		})
		if err != nil {
			failures = append(failures, fmt.Errorf("lambda:GetFunctionConfiguration of %s: %w", name, err))
			continue
		}
		group := "/aws/lambda/" + name
		if function.LoggingConfig != nil && aws.ToString(function.LoggingConfig.LogGroup) != "" {
			group = *function.LoggingConfig.LogGroup
		}
		failures = append(failures, a.log(ctx, group, act))
		if function.Environment != nil {
			if bus := function.Environment.Variables[busVariable]; bus != "" && !buses[bus] {
				buses[bus] = true
				clients := awshome.FromConfig(a.Config) //nolint:contextcheck // it waits for nothing
				failures = append(failures, clients.EventBridge.Bus(bus).ReportAct(ctx, act))
			}
		}
	}
	return errors.Join(failures...)
}

// log writes the act as a line of the function's log, in a stream of its own.
func (a AWS) log(ctx context.Context, group string, act announce.Act) error {
	client := cloudwatchlogs.NewFromConfig(a.Config)
	stream := "tokenctl/" + act.At.UTC().Format("2006/01/02") + "/" + uuid.NewString()
	_, err := client.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &group, LogStreamName: &stream})
	if err != nil {
		return fmt.Errorf("logs:CreateLogStream in %s: %w", group, err)
	}
	_, err = client.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{
		LogGroupName: &group, LogStreamName: &stream,
		LogEvents: []types.InputLogEvent{{Timestamp: aws.Int64(act.At.UnixMilli()), Message: aws.String(line(ctx, act))}},
	})
	if err != nil {
		return fmt.Errorf("logs:PutLogEvents to %s: %w", group, err)
	}
	return nil
}

// line is the act as the functions write their lines.
func line(ctx context.Context, act announce.Act) string {
	var text bytes.Buffer
	record := slog.NewRecord(act.At.Round(time.Millisecond), slog.LevelInfo, "act", 0)
	record.AddAttrs(attrs(act)...)
	_ = slog.NewJSONHandler(&text, nil).Handle(ctx, record) // a buffer takes all
	return text.String()
}
