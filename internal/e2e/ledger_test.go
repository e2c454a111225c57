package e2e_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// moment is how the ledger writes one.
const moment = "2006-01-02T15:04:05.000Z"

// row is an item of a table, its texts and numbers as text. A list of texts is its
// length and its elements.
type row map[string]string

// stored is an item of a table; nil: there is none.
func (w *world) stored(t *testing.T, table string, key map[string]types.AttributeValue) row {
	t.Helper()
	out, err := w.aws.DynamoDB.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &table, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	if out.Item == nil {
		return nil
	}
	r := row{}
	for name, value := range out.Item {
		switch v := value.(type) {
		case *types.AttributeValueMemberS:
			r[name] = v.Value
		case *types.AttributeValueMemberN:
			r[name] = v.Value
		case *types.AttributeValueMemberL:
			r[name] = fmt.Sprint(len(v.Value))
			for _, element := range v.Value {
				r[name] += " " + element.(*types.AttributeValueMemberS).Value
			}
		}
	}
	return r
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
	if err != nil {
		t.Fatal(err)
	}
}

// elapse lets d pass for the credential: every moment in its rows of the ledger (the
// end of a claim, the next refresh, a back-off) moves by d into the past. Tokens
// keep their life.
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
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range out.Items {
		account := item["account"].(*types.AttributeValueMemberS).Value
		if account != c.account && !strings.HasPrefix(account, c.account+"/shard-") {
			continue
		}
		for name, value := range maps.Clone(item) {
			text, ok := value.(*types.AttributeValueMemberS)
			if !ok {
				continue
			}
			if at, err := time.Parse(moment, text.Value); err == nil {
				item[name] = &types.AttributeValueMemberS{Value: at.Add(-d).Format(moment)}
			}
		}
		if _, err := c.aws.DynamoDB.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: item}); err != nil {
			t.Fatal(err)
		}
	}
}
