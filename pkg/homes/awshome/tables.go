package awshome

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"
)

// tableFailure describes the errors that every call to a table may have; forbidden is the port's
// error for those that need a person.
func tableFailure(verb, action, table string, forbidden, err error) error {
	switch {
	case is[*types.ResourceNotFoundException](err):
		return fail([]error{ErrNoTable, forbidden, err},
			"%s the table %q: there is no such table, or index, in this region and AWS account: check first that these are the stack's",
			verb, table)
	case isDenied(err):
		return fail([]error{forbidden, err},
			"%s the table %q: the role needs dynamodb:%s on it, and with a key of your own kms:Decrypt: %s",
			verb, table, action, cause(err))
	}
	return fail([]error{err}, "%s the table %q: %s", verb, table, cause(err))
}

// countAttempts counts how often one call is sent. If a condition fails at the second attempt, the
// first may have been done, and its answer lost.
func countAttempts(n *int) func(*dynamodb.Options) {
	return func(o *dynamodb.Options) {
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			// After the retrying middleware, so once an attempt.
			return stack.Finalize.Add(middleware.FinalizeMiddlewareFunc("CountAttempts",
				func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
					middleware.FinalizeOutput, middleware.Metadata, error,
				) {
					*n++
					return next.HandleFinalize(ctx, in)
				}), middleware.After)
		})
	}
}
