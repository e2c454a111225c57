package awshome

import (
	"context"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// page reads one page of a consistent query, and hands each item to each, which must not keep it. next is
// where the next page begins; nil: this was the last. If ok is false, ignore the items that each
// got.
func (q *quick) page(ctx context.Context, in *dynamodb.QueryInput, each func(item)) (next item, ok bool) {
	c := call{body: []byte("{")}
	c.text("TableName", aws.ToString(in.TableName))
	c.text("KeyConditionExpression", aws.ToString(in.KeyConditionExpression))
	c.body = append(c.body, `"ConsistentRead":true,`...)
	c.names(in.ExpressionAttributeNames)
	c.item("ExpressionAttributeValues", in.ExpressionAttributeValues)
	if in.ExclusiveStartKey != nil {
		c.item("ExclusiveStartKey", in.ExclusiveStartKey)
	}
	answer, _, err := q.post(ctx, "DynamoDB_20120810.Query", c)
	if err != nil {
		return nil, false
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || !intact(text, answer.Header.Get("X-Amz-Crc32")) {
		return nil, false
	}
	return readPage(text, each)
}

// intact compares a body with the checksum that DynamoDB sends with it, if it does.
func intact(body []byte, sum string) bool {
	return sum == "" || sum == strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10)
}

// readPage reads the answer to a query.
func readPage(text []byte, each func(item)) (next item, ok bool) {
	s := scanner{text: text}
	row, members := item{}, 0
	for s.want('{'); s.more('}', &members); {
		switch n := 0; string(s.name()) {
		case "Items":
			for s.want('['); s.more(']', &n); {
				clear(row)
				if s.item(row, knownAttribute); !s.failed {
					each(row)
				}
			}
		case "LastEvaluatedKey":
			next = item{}
			s.item(next, anyAttribute)
		default:
			s.skip()
		}
	}
	s.peek()
	return next, !s.failed && s.at == len(text)
}

// known has the names of all attributes of a row that this release reads.
var known = func() map[string]string {
	all := map[string]string{}
	for _, names := range [][]string{rowAttributes, {"provider", "account", "paused", "told"}} {
		for _, name := range names {
			all[name] = name
		}
	}
	return all
}()

func knownAttribute(name []byte) (string, bool) {
	interned, ok := known[string(name)] // without a copy
	return interned, ok
}

func anyAttribute(name []byte) (string, bool) { return string(name), true }
