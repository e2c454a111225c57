package awshome

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Errors of this home alone. A person must act, so each also is the port's ErrForbidden.
var (
	// ErrNoTable: the table does not exist.
	ErrNoTable = errors.New("the table does not exist")
	// ErrBinary: the secret holds bytes (SecretBinary), not text.
	ErrBinary = errors.New("the secret is binary")
	// ErrRotation: native rotation is on for a secret that we write. Two writers would take
	// AWSPENDING from each other.
	ErrRotation = errors.New("native rotation is on")
)

// ErrReplica means that a secret that we write is the replica of one in another region, and cannot
// be written. It also is the port's ErrForbidden.
var ErrReplica = errors.New("the secret is a replica")

// ErrDeleted means that a secret is scheduled for deletion. It also is the port's ErrNoSecret, but
// the secret cannot be created.
var ErrDeleted = errors.New("the secret is scheduled for deletion")

// failure is an error with its own words. It wraps AWS's error for errors.As, and shows its text
// only if that can't quote a value.
type failure struct {
	text   string
	causes []error
}

func (e *failure) Error() string   { return e.text }
func (e *failure) Unwrap() []error { return e.causes }

func fail(causes []error, format string, args ...any) error {
	return &failure{fmt.Sprintf(format, args...), slices.DeleteFunc(causes, func(err error) bool { return err == nil })}
}

// deniedCodes are the answers that stay the same until a person acts.
var deniedCodes = []string{"AccessDeniedException", "AccessDenied", "UnrecognizedClientException", "InvalidClientTokenId"}

// code returns AWS's error code; empty if AWS did not answer.
func code(err error) string {
	if answer, ok := errors.AsType[smithy.APIError](err); ok {
		return answer.ErrorCode()
	}
	return ""
}

func isDenied(err error) bool { return slices.Contains(deniedCodes, code(err)) }

// isThrottled reports whether AWS asks for fewer calls.
func isThrottled(err error) bool {
	_, throttled := retry.DefaultThrottleErrorCodes[code(err)]
	return throttled
}

// mayBeDone reports whether a write that failed may still have been done.
func mayBeDone(err error) bool {
	answer, ok := errors.AsType[*smithyhttp.ResponseError](err)
	return !ok || answer.HTTPStatusCode() >= http.StatusInternalServerError || answer.HTTPStatusCode() < http.StatusBadRequest
}

// cause describes an SDK's error without quoting what was sent: it takes AWS's own words only if
// they name a permission. AWS's words about a malformed request may hold the value.
func cause(err error) string {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err.Error()
	}
	answer, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return err.Error()
	}
	text := answer.ErrorCode()
	if isDenied(err) && answer.ErrorMessage() != "" {
		text += ": " + answer.ErrorMessage()
	}
	if request, ok := errors.AsType[interface {
		error
		ServiceRequestID() string
	}](err); ok && request.ServiceRequestID() != "" {
		text += " (request " + request.ServiceRequestID() + ")"
	}
	return text
}
