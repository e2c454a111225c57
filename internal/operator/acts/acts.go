// Package acts records what operators do: who, when and what.
package acts

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/google/uuid"

	"tokenrefresh/pkg/announce"
	"tokenrefresh/pkg/homes/awshome"
)

// OnMachine records an act of a single machine in the log of the verb.
func OnMachine(ctx context.Context, log *slog.Logger, act announce.Act) {
	act.By = os.Getenv("SUDO_USER") // who has called sudo
	if u, err := user.Current(); act.By == "" && err == nil {
		act.By = u.Username
	}
	if host, err := os.Hostname(); err == nil {
		act.By += "@" + host
	}
	log.LogAttrs(ctx, slog.LevelInfo, "act", attrs(act)...)
}

func attrs(act announce.Act) []slog.Attr {
	all := []slog.Attr{slog.String("act", act.Act), slog.String("by", act.By)}
	for _, a := range []slog.Attr{
		slog.String("provider", act.Provider), slog.String("account", act.Account), slog.String("details", act.Details),
	} {
		if a.Value.String() != "" {
			all = append(all, a)
		}
	}
	return append(all, slog.String("tool", act.Tool))
}

// OnAWS records an act in the logs of functions, beside their runs, and on their bus. It asks each
// function for its log group and its bus, so that a stack's parameters are met. A function that does
// not exist has no log, if there is another. An error says what lacks the act, and what to do.
func OnAWS(ctx context.Context, cfg aws.Config, act announce.Act, functions ...string) error {
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return failed("sts:GetCallerIdentity", "your own keys", err)
	}
	act.By = aws.ToString(who.Arn)
	var failures, missing []error
	buses := map[string]bool{}
	for _, name := range functions {
		function, err := lambda.NewFromConfig(cfg).GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{
			FunctionName: &name,
		})
		if err != nil {
			err = failed("lambda:GetFunctionConfiguration", "the function "+name, err)
			if errors.Is(err, errMissing) {
				missing = append(missing, err)
			} else {
				failures = append(failures, err)
			}
			continue
		}
		group := "/aws/lambda/" + name
		if function.LoggingConfig != nil {
			group = cmp.Or(aws.ToString(function.LoggingConfig.LogGroup), group)
		}
		failures = append(failures, log(ctx, cfg, group, act))
		if function.Environment == nil {
			continue
		}
		if bus := function.Environment.Variables["EVENT_BUS"]; bus != "" && !buses[bus] {
			buses[bus] = true
			clients := awshome.FromConfig(cfg) //nolint:contextcheck // it waits for nothing
			failures = append(failures, failed("events:PutEvents", "the bus "+bus, clients.EventBridge.Bus(bus).ReportAct(ctx, act)))
		}
	}
	if len(missing) == len(functions) {
		failures = missing
	}
	return errors.Join(failures...)
}

// log writes the act as a line of a function's log, as the functions write theirs, in a stream of
// its own.
func log(ctx context.Context, cfg aws.Config, group string, act announce.Act) error {
	var line bytes.Buffer
	record := slog.NewRecord(act.At.Round(time.Millisecond), slog.LevelInfo, "act", 0)
	record.AddAttrs(attrs(act)...)
	_ = slog.NewJSONHandler(&line, nil).Handle(ctx, record) // a buffer takes all
	client := cloudwatchlogs.NewFromConfig(cfg)
	stream := "tokenctl/" + act.At.UTC().Format("2006/01/02") + "/" + uuid.NewString()
	_, err := client.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &group, LogStreamName: &stream})
	if err != nil {
		return failed("logs:CreateLogStream", "the log group "+group, err)
	}
	_, err = client.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{
		LogGroupName: &group, LogStreamName: &stream,
		LogEvents: []types.InputLogEvent{{Timestamp: aws.Int64(act.At.UnixMilli()), Message: aws.String(line.String())}},
	})
	return failed("logs:PutLogEvents", "the log group "+group, err)
}

var errMissing = errors.New("there is none of that name in this region: name the stack with --table-prefix, or look at --region")

// failed says for people what a failed call means and what to do, and then what AWS says; nil: it has
// not failed.
func failed(permission, on string, err error) error {
	var api smithy.APIError
	code := ""
	if errors.As(err, &api) {
		code = api.ErrorCode()
	}
	switch code {
	case "AccessDeniedException", "AccessDenied":
		return fmt.Errorf("you may not use %s: ask for %s on it. AWS says: %w", on, permission, err)
	case "ResourceNotFoundException":
		return fmt.Errorf("%s: %w. AWS says: %w", on, errMissing, err)
	}
	if err != nil {
		err = fmt.Errorf("%s did not take it: check the network, and the permission %s. AWS says: %w", on, permission, err)
	}
	return err
}
