package e2e_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"gotest.tools/v3/assert"
)

// moment is how the ledger writes one.
const moment = "2006-01-02T15:04:05.000Z"

// row is an item of a table, its texts and numbers as text. A list is its length and
// its elements.
type row map[string]string

// stored is an item of a table; nil: there is none.
func (w *world) stored(t *testing.T, table string, key map[string]types.AttributeValue) row {
	t.Helper()
	out, err := w.aws.DynamoDB.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &table, Key: key})
	assert.NilError(t, err)
	if out.Item == nil {
		return nil
	}
	r := row{}
	for name, value := range out.Item {
		if text, ok := asText(value); ok {
			r[name] = text
		}
	}
	return r
}

func asText(value types.AttributeValue) (string, bool) {
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		return v.Value, true
	case *types.AttributeValueMemberN:
		return v.Value, true
	case *types.AttributeValueMemberL:
		text := fmt.Sprint(len(v.Value))
		for _, element := range v.Value {
			one, _ := asText(element)
			text += " " + one
		}
		return text, true
	}
	return "", false
}

func (c *credential) ledgerKey() map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		"provider": &types.AttributeValueMemberS{Value: string(c.provider)},
		"account":  &types.AttributeValueMemberS{Value: c.account},
	}
}

// ledger is the credential's row; nil: there is none.
func (c *credential) ledger(t *testing.T) row {
	t.Helper()
	return c.stored(t, c.stack.Outputs["Ledger"], c.ledgerKey())
}

// pause sets or ends the pause, as "tokenctl pause" and "tokenctl resume" do.
func (c *credential) pause(t *testing.T, paused bool) {
	t.Helper()
	_, err := c.aws.DynamoDB.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: aws.String(c.stack.Outputs["Ledger"]), Key: c.ledgerKey(), UpdateExpression: aws.String("SET paused = :p"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":p": &types.AttributeValueMemberBOOL{Value: paused}},
	})
	assert.NilError(t, err)
}

// elapse lets d pass for the credential: every moment in its rows of the ledger (the
// end of a claim, the next refresh, a back-off) moves by d into the past. Tokens
// keep their life. A row that a function writes in that moment stays the function's.
func (c *credential) elapse(t *testing.T, d time.Duration) {
	t.Helper()
	table := c.stack.Outputs["Ledger"]
	out, err := c.aws.DynamoDB.Query(t.Context(), &dynamodb.QueryInput{
		TableName: &table, KeyConditionExpression: aws.String("provider = :p AND begins_with(account, :a)"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":p": &types.AttributeValueMemberS{Value: string(c.provider)},
			":a": &types.AttributeValueMemberS{Value: c.account},
		},
	})
	assert.NilError(t, err)
	for _, item := range out.Items {
		account := item["account"].(*types.AttributeValueMemberS).Value
		if account == c.account || strings.HasPrefix(account, c.account+"/shard-") {
			c.elapseRow(t, item, d)
		}
	}
}

// elapseRow moves the moments of one row, all or none.
func (c *credential) elapseRow(t *testing.T, item map[string]types.AttributeValue, d time.Duration) {
	t.Helper()
	var set, same []string
	names, values := map[string]string{}, map[string]types.AttributeValue{}
	for name, value := range item {
		text, ok := value.(*types.AttributeValueMemberS)
		if !ok {
			continue
		}
		at, err := time.Parse(moment, text.Value)
		if err != nil {
			continue
		}
		n := fmt.Sprint(len(set))
		names["#"+n], values[":"+n] = name, &types.AttributeValueMemberS{Value: at.Add(-d).Format(moment)}
		values[":was"+n] = text
		set = append(set, fmt.Sprintf("#%s = :%[1]s", n))
		same = append(same, fmt.Sprintf("#%s = :was%[1]s", n))
	}
	if len(set) == 0 {
		return
	}
	_, err := c.aws.DynamoDB.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName:                aws.String(c.stack.Outputs["Ledger"]),
		Key:                      map[string]types.AttributeValue{"provider": item["provider"], "account": item["account"]},
		UpdateExpression:         aws.String("SET " + strings.Join(set, ", ")),
		ConditionExpression:      aws.String(strings.Join(same, " AND ")),
		ExpressionAttributeNames: names, ExpressionAttributeValues: values,
	})
	if written := (*types.ConditionalCheckFailedException)(nil); err != nil && !errors.As(err, &written) {
		t.Fatal(err)
	}
}
