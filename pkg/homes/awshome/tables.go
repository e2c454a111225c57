package awshome

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"

	"tokenrefresh/pkg/store"
)

// table is a table with its client.
type table struct {
	api   *dynamodb.Client
	name  string
	quick *quick // nil: there is none
}

// failure describes the errors that every call to a table may have.
func (t table) failure(verb, action string, err error) error {
	switch {
	case is[*types.ResourceNotFoundException](err):
		return fail([]error{ErrNoTable, store.ErrForbidden, err},
			"%s the table %q: there is no such table, or index, in this region and AWS account: check first that these are the stack's",
			verb, t.name)
	case isDenied(err):
		return fail([]error{store.ErrForbidden, err},
			"%s the table %q: the role needs dynamodb:%s on it, and with a key of your own kms:Decrypt: %s",
			verb, t.name, action, cause(err))
	}
	return fail([]error{err}, "%s the table %q: %s", verb, t.name, cause(err))
}

// get reads an item consistently; it is empty if there is none.
func (t table) get(ctx context.Context, key item) (item, error) {
	out, err := t.api.GetItem(ctx, &dynamodb.GetItemInput{TableName: &t.name, Key: key, ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, t.failure("read", "GetItem", err)
	}
	return out.Item, nil
}

// update is an update that sets the named attributes to those of values, or removes them. Its
// condition may use them as #name and :name.
func (t table) update(key item, attributes []string, values item, condition string) *dynamodb.UpdateItemInput {
	in := &dynamodb.UpdateItemInput{
		TableName: &t.name, Key: key, ConditionExpression: &condition,
		ExpressionAttributeNames:            make(map[string]string, len(attributes)),
		ExpressionAttributeValues:           make(item, len(attributes)+1),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	set, remove := make([]string, 0, len(attributes)), []string(nil)
	for _, name := range attributes {
		in.ExpressionAttributeNames["#"+name] = name
		if value := values[name]; value != nil {
			in.ExpressionAttributeValues[":"+name] = value
			set = append(set, "#"+name+" = :"+name)
		} else {
			remove = append(remove, "#"+name)
		}
	}
	var expression string
	if len(set) > 0 {
		expression = "SET " + strings.Join(set, ", ")
	}
	if len(remove) > 0 {
		expression += " REMOVE " + strings.Join(remove, ", ")
	}
	in.UpdateExpression = &expression
	return in
}

// write makes an update. If its condition does not hold, refused has the stored item. Where an
// answer was lost and the next attempt finds the attributes as they were to become, it is done.
// attempts is how many there may have been before.
func (t table) write(ctx context.Context, in *dynamodb.UpdateItemInput, attempts int, attributes []string, values item) (
	refused *types.ConditionalCheckFailedException, err error,
) {
	_, err = t.api.UpdateItem(ctx, in, countAttempts(&attempts))
	refused, isRefused := errors.AsType[*types.ConditionalCheckFailedException](err)
	switch {
	case err == nil, isRefused && attempts > 1 && holds(refused.Item, attributes, values):
		return nil, nil
	case !isRefused:
		return nil, t.failure("write", "UpdateItem", err)
	}
	return refused, nil
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
