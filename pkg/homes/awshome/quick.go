package awshome

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tokenrefresh/pkg/signed"
)

// usualUpdate is the size of an update of a row with tokens of usual length.
const usualUpdate = 2 << 10

// quick makes a call once, without the SDK's client. That client's layers take three times the
// processor time of all else in an update, and ten times that in a page of rows. A sweep makes an
// update for each row, a run reads the rows of all accounts, and both wait for the processor.
//
// It handles success only. After anything else the SDK makes the call again, retries, and
// distinguishes errors.
type quick struct {
	client signed.Client // with the options of the client that it replaces
}

// newQuick is nil if the client's endpoint is wrong: then each call of that client fails with the
// reason.
func newQuick(client *dynamodb.Client) *quick {
	o := client.Options()
	endpoint, err := resolve(context.Background(), o)
	if err != nil {
		return nil
	}
	return &quick{signed.Client{
		Region: o.Region, Credentials: o.Credentials, HTTP: o.HTTPClient, Endpoint: endpoint.URI.JoinPath("/").String(),
	}}
}

// update reports whether DynamoDB has confirmed the update; if not, whether it may still have been
// done.
func (q *quick) update(ctx context.Context, in *dynamodb.UpdateItemInput) (done, perhaps bool) {
	body, ok := appendUpdate(make([]byte, 0, usualUpdate), in)
	if !ok {
		return false, false
	}
	answer, sent, err := q.client.Post(ctx, "dynamodb", "DynamoDB_20120810.UpdateItem", "application/x-amz-json-1.0", body)
	if err != nil {
		return false, sent
	}
	_ = answer.Body.Close()
	return answer.StatusCode == http.StatusOK, answer.StatusCode >= http.StatusInternalServerError
}

// appendUpdate appends the JSON of an update of strings and numbers; false if it holds anything
// else.
func appendUpdate(b []byte, in *dynamodb.UpdateItemInput) ([]byte, bool) {
	b = append(b, '{')
	for _, one := range []struct{ name, value string }{
		{"TableName", aws.ToString(in.TableName)},
		{"UpdateExpression", aws.ToString(in.UpdateExpression)},
		{"ConditionExpression", aws.ToString(in.ConditionExpression)},
	} {
		b = append(appendString(b, one.name), ':')
		b = append(appendString(b, one.value), ',')
	}
	b = append(b, `"ExpressionAttributeNames":{`...)
	for alias, name := range in.ExpressionAttributeNames {
		b = append(appendString(b, alias), ':')
		b = append(appendString(b, name), ',')
	}
	b = append(endObject(b), `,"Key":`...)
	b, keyed := appendItem(b, in.Key)
	b = append(b, `,"ExpressionAttributeValues":`...)
	b, valued := appendItem(b, in.ExpressionAttributeValues)
	return append(b, '}'), keyed && valued
}

func appendItem(b []byte, values item) ([]byte, bool) {
	b = append(b, '{')
	for name, value := range values {
		b = append(appendString(b, name), ':')
		switch value := value.(type) {
		case *types.AttributeValueMemberS:
			b = appendString(append(b, `{"S":`...), value.Value)
		case *types.AttributeValueMemberN:
			b = appendString(append(b, `{"N":`...), value.Value)
		default:
			return b, false
		}
		b = append(b, "},"...)
	}
	return endObject(b), true
}

// endObject closes an object, whose last member is followed by a comma.
func endObject(b []byte) []byte {
	return append(bytes.TrimSuffix(b, []byte(",")), '}')
}

// appendString appends a string as JSON.
func appendString(b []byte, s string) []byte {
	for _, r := range []byte(s) {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			quoted, _ := json.Marshal(s) // of a string: never fails
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}
