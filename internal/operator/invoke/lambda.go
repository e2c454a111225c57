package invoke

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"tokenrefresh/internal/operator/home"
	"tokenrefresh/pkg/handler"
)

const (
	// answerWithin is longer than a function of the template may run.
	answerWithin = 2 * time.Minute
	// invokes is how often an invocation is tried that was throttled or got no answer. A second run
	// does no harm.
	invokes = 3
)

// Deployed is a function on AWS.
type Deployed struct {
	name   string
	client *lambda.Client
}

// NewDeployed names a function, with the region and profile of o.
func NewDeployed(ctx context.Context, o home.Options, name string) (*Deployed, error) {
	cfg, err := home.LoadAWS(ctx, o, answerWithin)
	if err != nil {
		return nil, err
	}
	return &Deployed{name, lambda.NewFromConfig(cfg, func(o *lambda.Options) { o.RetryMaxAttempts = invokes })}, nil
}

// ErrNoFunction is in the errors of functions that do not exist.
var ErrNoFunction = errors.New(
	"there is none of that name in this region: look at the stack's resources, or name --region and --profile")

// FunctionError is a function's error answer.
type FunctionError struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

// Error implements error.
func (e *FunctionError) Error() string { return e.Type + ": " + e.Message }

// NeedsPerson reports whether the run ended well except for accounts that need a person.
func (e *FunctionError) NeedsPerson() bool { return e.Type == "NeedsPersonError" }

// Invoke runs the function and waits for its answer, or its *FunctionError. A run that has
// begun does not end with ctx.
func (d *Deployed) Invoke(ctx context.Context, e Event) (handler.Result, error) {
	payload, err := json.Marshal(e)
	if err != nil {
		return handler.Result{}, err
	}
	out, err := d.client.Invoke(ctx, &lambda.InvokeInput{FunctionName: &d.name, Payload: payload})
	if err != nil {
		return handler.Result{}, d.failed(err)
	}
	if out.FunctionError != nil {
		fault := &FunctionError{Type: aws.ToString(out.FunctionError)}
		_ = json.Unmarshal(out.Payload, fault) // what is no JSON says nothing
		return handler.Result{}, fault
	}
	var r handler.Result
	if err := json.Unmarshal(out.Payload, &r); err != nil || r.Provider == "" {
		return r, fmt.Errorf("%s does not answer as a function of token-refresh: name another with --function", d.name)
	}
	return r, nil
}

// failed adds what to do about a function that could not be invoked.
func (d *Deployed) failed(err error) error {
	var missing *types.ResourceNotFoundException
	var api smithy.APIError
	switch {
	case errors.As(err, &missing):
		err = ErrNoFunction
	case errors.As(err, &api) && api.ErrorCode() == "AccessDeniedException":
		err = fmt.Errorf("allow it with lambda:InvokeFunction: %w", err)
	}
	return fmt.Errorf("invoke the function %s: %w", d.name, err)
}
