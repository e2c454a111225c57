package awshome

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
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
	c := call{body: append(make([]byte, 0, usualUpdate), '{')}
	c.text("TableName", aws.ToString(in.TableName))
	c.text("UpdateExpression", aws.ToString(in.UpdateExpression))
	c.text("ConditionExpression", aws.ToString(in.ConditionExpression))
	c.names(in.ExpressionAttributeNames)
	c.item("Key", in.Key)
	c.item("ExpressionAttributeValues", in.ExpressionAttributeValues)
	answer, sent, err := q.post(ctx, "DynamoDB_20120810.UpdateItem", c)
	if err != nil {
		return false, sent
	}
	_ = answer.Body.Close()
	return answer.StatusCode == http.StatusOK, answer.StatusCode >= http.StatusInternalServerError
}

// call is the JSON of a call whose items hold strings and numbers alone. A comma follows each member.
type call struct {
	body []byte
	odd  bool // an item holds something else
}

func (c *call) text(name, value string) {
	c.body = append(appendString(c.body, name), ':')
	c.body = append(appendString(c.body, value), ',')
}

func (c *call) open(name string) { c.body = append(appendString(c.body, name), ":{"...) }

func (c *call) close() { c.body = append(bytes.TrimSuffix(c.body, []byte(",")), "},"...) }

func (c *call) names(names map[string]string) {
	c.open("ExpressionAttributeNames")
	for alias, name := range names {
		c.text(alias, name)
	}
	c.close()
}

func (c *call) item(name string, values item) {
	c.open(name)
	for name, value := range values {
		c.open(name)
		switch value := value.(type) {
		case *types.AttributeValueMemberS:
			c.text("S", value.Value)
		case *types.AttributeValueMemberN:
			c.text("N", value.Value)
		default:
			c.odd = true
		}
		c.close()
	}
	c.close()
}

// post makes the call. sent reports whether the request may have been sent.
func (q *quick) post(ctx context.Context, operation string, c call) (answer *http.Response, sent bool, err error) {
	if c.odd {
		return nil, false, errOdd
	}
	c.close()
	body := bytes.TrimSuffix(c.body, []byte(","))
	return q.client.Post(ctx, "dynamodb", operation, "application/x-amz-json-1.0", body)
}

var errOdd = errors.New("the call holds more than strings and numbers")

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
