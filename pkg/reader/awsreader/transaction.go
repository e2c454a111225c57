package awsreader

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tokenrefresh/pkg/reader"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/strict"
)

// TransactionsAPI is what Transaction needs of DynamoDB's client.
type TransactionsAPI interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
}

var _ TransactionsAPI = (*dynamodb.Client)(nil)

// active is the status of a transaction that is refreshed. A row always has one.
const active = "active"

// projection has the attributes to read. The policy requires their names, and allows no others.
var projection = []string{"access_token", "client_token", "access_expires_at", "refresh_at", "status"}

type transactionSource struct {
	api   TransactionsAPI
	table string
	id    int64
}

// Transaction is the source of a Berbix transaction's token, from the table of the
// stack's output Transactions. A read is one call; it sees no refresh token.
func Transaction(api TransactionsAPI, table string, id int64) reader.Source {
	return transactionSource{api, table, id}
}

// String implements reader.Source.
func (s transactionSource) String() string {
	return fmt.Sprintf("transaction %d in table %s", s.id, s.table)
}

// Read implements reader.Source.
func (s transactionSource) Read(ctx context.Context) (reader.Token, error) {
	names, expression := map[string]string{}, make([]string, len(projection)) // status is a reserved word
	for i, name := range projection {
		expression[i] = "#" + name
		names["#"+name] = name
	}
	id := &types.AttributeValueMemberN{Value: strconv.FormatInt(s.id, 10)}
	out, err := s.api.GetItem(ctx, &dynamodb.GetItemInput{
		TableName:                &s.table,
		Key:                      map[string]types.AttributeValue{"transaction_id": id},
		ProjectionExpression:     aws.String(strings.Join(expression, ", ")),
		ExpressionAttributeNames: names,
		ConsistentRead:           aws.Bool(true), // a stale read could return the token that was just refused
	})
	switch {
	case is[*types.ResourceNotFoundException](err):
		return reader.Token{}, fmt.Errorf("%w: check table, region and account: %w", reader.ErrNotFound, err)
	case err != nil:
		return reader.Token{}, failure("dynamodb:GetItem", err)
	case len(out.Item) == 0:
		return reader.Token{}, fmt.Errorf("%w: the transaction must be recorded first (record)", reader.ErrNotFound)
	}
	return token(out.Item)
}

// token reads a row. Its errors name attributes and never values.
func token(row map[string]types.AttributeValue) (reader.Token, error) {
	var errs []error
	text := func(name string) string {
		if row[name] == nil {
			return ""
		}
		value, ok := row[name].(*types.AttributeValueMemberS)
		if !ok {
			errs = append(errs, fmt.Errorf("%w: %s is not a string", reader.ErrMalformed, name))
			return ""
		}
		return value.Value
	}
	moment := func(name string) time.Time {
		s := text(name)
		if s == "" {
			return time.Time{}
		}
		at, err := strict.Time(s)
		if err != nil {
			errs = append(errs, fmt.Errorf("%w: %s is %w", reader.ErrMalformed, name, err))
		}
		return at
	}
	t := reader.Token{
		AccessToken: secret.New(text("access_token")),
		ExpiresAt:   moment("access_expires_at"),
		RefreshAt:   moment("refresh_at"),
		ClientToken: secret.New(text("client_token")),
	}
	status := text("status")
	if err := errors.Join(errs...); err != nil {
		return reader.Token{}, err
	}
	if status != active {
		return reader.Token{}, &reader.EndedError{Status: status}
	}
	return t, nil
}
