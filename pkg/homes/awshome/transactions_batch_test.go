package awshome_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"gotest.tools/v3/assert"
)

// rowOf is a row in an answer of DynamoDB.
func rowOf(id int) string {
	return fmt.Sprintf(`{"transaction_id":{"N":"%d"},"account":{"S":"default"},"status":{"S":"active"}}`, id)
}

// batchAnswer has read a row, and leaves others unprocessed.
func batchAnswer(read int, unprocessed ...int) answer {
	var keys []string
	for _, id := range unprocessed {
		keys = append(keys, fmt.Sprintf(`{"transaction_id":{"N":"%d"}}`, id))
	}
	left := "{}"
	if len(keys) > 0 {
		left = fmt.Sprintf(`{"transactions":{"Keys":[%s],"ConsistentRead":true}}`, strings.Join(keys, ","))
	}
	return ok(fmt.Sprintf(`{"Responses":{"transactions":[%s]},"UnprocessedKeys":%s}`, rowOf(read), left))
}

// DynamoDB answers with success and leaves out rows that it was too busy to read: those are neither
// missing nor lost.
func TestUnprocessedKeys(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answers   []answer
		calls     int
		wantError bool
		absent    bool // row 4 is known not to be there
	}{
		"asked for again":   {[]answer{batchAnswer(1, 2, 3), batchAnswer(2, 3), batchAnswer(3)}, 3, false, true},
		"throttled for all": {[]answer{batchAnswer(1, 2, 3), batchAnswer(2, 3), batchAnswer(3, 4)}, 5, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				aws := &script{t: t, answers: map[string][]answer{"BatchGetItem": tt.answers}}
				rows, err := aws.clients().Transactions("transactions").GetMany(t.Context(), []int64{1, 2, 3, 4})
				assert.Check(t, len(aws.calls) == tt.calls && (err != nil) == tt.wantError,
					"%d calls, error %v", len(aws.calls), err)
				for id := int64(1); id <= 3; id++ {
					assert.Check(t, rows[id].Found, "row %d was read and is not told of", id)
				}
				if row, known := rows[4]; known != tt.absent || row.Found {
					t.Errorf("row 4: %+v, known %t", row, known)
				}
				for i, body := range aws.bodies[1:] {
					assert.Check(t, !strings.Contains(body, `{"N":"1"}`),
						"call %d asks again for a row that was read: %s", i+2, body)
				}
			})
		})
	}
}
